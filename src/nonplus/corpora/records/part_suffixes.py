"""How the parts of a file of records may be called, by the kind of its records."""

from collections.abc import Sequence

from nonplus.compression.marks import compression_of
from nonplus.compression.packing import SUFFIXES
from nonplus.corpora.records.places import raw_at
from nonplus.corpora.records.table_files import FILE, PARQUET, STREAM
from nonplus.errors import BadInput

_MARK = 16  # bytes that tell how a file is compressed
_TABLES = (PARQUET, FILE, STREAM)


def of_lines(stem: str, path: str, asked: str) -> str:
    """The suffix of parts that are lines: the ``asked`` one, or the ``stem`` with the
    compression of the file at ``path``.

    Raises:
        BadInput: they are not written like that.
    """
    if asked:
        return _one_of([stem, *(f"{stem}{end}" for end in SUFFIXES.values())], asked)
    with raw_at(path) as file:
        return stem + SUFFIXES.get(compression_of(file.read(_MARK)), "")


def of_tables(own: str, asked: str) -> str:
    """The suffix of parts that are tables: the ``asked`` one, or their ``own``.

    Raises:
        BadInput: they are not written like that.
    """
    return _one_of(_TABLES, asked or own)


def _one_of(known: Sequence[str], asked: str) -> str:
    if asked not in known:
        raise BadInput(
            f"these records are written as {', '.join(known[:-1])} or {known[-1]}, got {asked}; give another name"
        )
    return asked
