"""What a source means; one without a scheme must be able to mean only one thing."""

import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nonplus.corpora.streams import STANDARD_INPUT, existing, name_of
from nonplus.errors import BadInput
from nonplus.optional import CORPORA, is_scheme

SUFFIXES = {".txt": "file", ".md": "file", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
COMPRESSIONS = (".gz", ".zst")
TABLES = (".json", ".csv", ".tsv", ".arrow")

# Parquet is compressed inside.
_READABLE = (
    *SUFFIXES,
    *(suffix + compression for suffix in SUFFIXES if suffix != ".parquet" for compression in COMPRESSIONS),
)
# At least two letters, because C:\notes.txt has a drive and no scheme.
_PREFIX = re.compile(r"([a-z][a-z0-9_+-]+):")
_PATTERN = re.compile(r"[*?[]")


@dataclass(frozen=True, slots=True)
class Address:
    """A scheme, and what follows the colon."""

    scheme: str
    location: str


def addresses(source: str | Path) -> list[Address]:
    """What ``source`` names: one address, or the files of a folder or pattern by path.

    Raises:
        BadInput: it names nothing, or can mean more than one thing.
    """
    if isinstance(source, Path):
        return _found(existing(str(source)))
    prefix = _PREFIX.match(source)
    if prefix and is_scheme(CORPORA, prefix[1]):
        return [Address(prefix[1], source[prefix.end() :])]
    if source == STANDARD_INPUT:
        return [Address("stdin", "")]
    if not source.strip():
        raise BadInput("the text is empty; give a text, a file, a folder, or - for standard input")
    if os.path.exists(source):
        return _found(source)
    spaced = any(character.isspace() for character in source)
    if prefix and not spaced:
        return [Address(prefix[1], source[prefix.end() :])]
    return _unseen(source, spaced=spaced)


def _found(path: str) -> list[Address]:
    return _folder(path) if os.path.isdir(path) else [_file(path)]


def _unseen(source: str, *, spaced: bool) -> list[Address]:
    suffixed = source.lower().endswith((*_READABLE, *TABLES))
    if _PATTERN.search(source) and (suffixed or not spaced):
        matches = [path for path in sorted(glob.glob(source, recursive=True)) if not os.path.isdir(path)]
        if matches:
            return [_file(path) for path in matches]
    if suffixed or ("/" in source and not spaced):
        # It looks like a path, so a misspelled one must not be scored as text.
        return _found(existing(source))
    return [Address("text", source)]


def _file(path: str) -> Address:
    stem, suffix = os.path.splitext(path.lower())
    if suffix in COMPRESSIONS:
        suffix = os.path.splitext(stem)[1]
    if suffix in TABLES:
        raise BadInput(
            f"{name_of(path)} can mean several things: write dataset: before it if it is a table, jsonl: if each "
            "line is a JSON object, or file: to score the file as text"
        )
    return Address(SUFFIXES.get(suffix, "file"), path)


def _folder(path: str) -> list[Address]:
    found = sorted(_readable(path))
    if not found:
        raise BadInput(
            f"the folder {name_of(path)} has no files in {', '.join(SUFFIXES)}, compressed (.gz, .zst) or not; "
            f"name other files by a pattern, such as {name_of(os.path.join(path, '*.log'))}"
        )
    return [_file(file) for file in found]


def _readable(path: str) -> Iterator[str]:
    for folder, folders, files in os.walk(path, onerror=_refused):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for file in files:
            if file.lower().endswith(_READABLE) and not file.startswith("."):
                yield os.path.join(folder, file)


def _refused(problem: OSError) -> None:
    raise BadInput(f"the folder {name_of(str(problem.filename))} cannot be read: {problem.strerror}") from problem
