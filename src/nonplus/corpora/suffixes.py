"""What the name of a file says about its format."""

import os
from collections.abc import Mapping

# The scheme that reads a file with this suffix.
SUFFIXES = {
    ".txt": "file",
    ".md": "file",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
ARCHIVES = (".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".zip")
# Files that could be read in several ways.
AMBIGUOUS = (".json", ".arrow")


def suffix_of(path: str) -> str:
    """The suffix of a path in lower case, without that of a compression."""
    stem, suffix = os.path.splitext(path.lower())
    return os.path.splitext(stem)[1] if suffix in COMPRESSIONS else suffix


def is_compressed(path: str) -> bool:
    """Whether the name says that the file is compressed."""
    return path.lower().endswith((*COMPRESSIONS, *(suffix for suffix in ARCHIVES if suffix not in (".tar", ".zip"))))


def is_readable(path: str, suffixes: Mapping[str, str] = SUFFIXES) -> bool:
    """Whether a file of this name belongs to the texts of a folder or an archive.

    Parquet is compressed inside, so ``.parquet.gz`` is no name of it.
    """
    suffix = suffix_of(path)
    return suffix in suffixes and not (suffix == ".parquet" and is_compressed(path))
