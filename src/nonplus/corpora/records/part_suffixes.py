"""How files of records may be called when they are written again."""

from nonplus.compression.marks import compression_of
from nonplus.compression.packing import SUFFIXES
from nonplus.corpora.records.places import raw_at

_MARK = 16  # bytes that tell how a file is compressed


def compressible(*stems: str) -> tuple[str, ...]:
    """Suffixes of files that are lines or records one after another: each stem alone,
    and with that of each compression.
    """
    return tuple(stem + end for stem in stems for end in ("", *SUFFIXES.values()))


def as_it_came(stem: str, path: str) -> str:
    """The stem with the suffix of the compression of the file at ``path``.

    Raises:
        BadInput: it cannot be read.
    """
    with raw_at(path) as file:
        return stem + SUFFIXES.get(compression_of(file.read(_MARK)), "")
