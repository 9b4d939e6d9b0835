"""A place on disk, opened as a file of records by what it says it is."""

from collections.abc import Iterator
from typing import IO

from nonplus.compression.marks import compression_of
from nonplus.compression.packing import SUFFIXES
from nonplus.corpora.addresses import addresses
from nonplus.corpora.records.interfaces import RecordFields, Sizes
from nonplus.corpora.records.json_lines import JsonLines
from nonplus.corpora.records.record_file import RecordFile
from nonplus.corpora.streams import existing, explained, name_of
from nonplus.errors import BadInput

_SIZES = Sizes()
_MARK = 16  # bytes that tell how a file is compressed


def record_files(source: str, fields: RecordFields, *, suffix: str = "", sizes: Sizes = _SIZES) -> list[RecordFile]:
    """The files that a source names: a file, a folder, a pattern, or ``jsonl:FILE``.

    ``suffix`` as in :func:`open_records`.

    Raises:
        BadInput: it names none, or one that is not read as records.
    """
    return [_opened(address.scheme, address.location, fields, suffix, sizes) for address in addresses(source)]


def open_records(place: str, fields: RecordFields, *, suffix: str = "", sizes: Sizes = _SIZES) -> RecordFile:
    """The records of one file.

    They are written as they came or, if ``suffix`` is given, compressed as it says:
    ``.jsonl``, ``.jsonl.gz``, ``.jsonl.bz2``, ``.jsonl.xz`` or ``.jsonl.zst``.

    Raises:
        BadInput: it cannot be read, is not one file, or cannot be written like that.
    """
    files = record_files(place, fields, suffix=suffix, sizes=sizes)
    if len(files) != 1:
        raise BadInput(f"{place} is {len(files):,} files, where one is needed; name one of them")
    return files[0]


def joined(suffix: str, contents: Iterator[bytes], out: IO[bytes]) -> None:
    """Write what :meth:`Batch.written` made, of one suffix, as one file."""
    for content in contents:
        out.write(content)


def _opened(scheme: str, location: str, fields: RecordFields, suffix: str, sizes: Sizes) -> RecordFile:
    if scheme != "jsonl":
        raise BadInput(f"{name_of(location)} is not read as records; give JSON Lines, or write jsonl: before it")
    path = existing(location)
    compression = _compression(suffix) if suffix else _compression_of(path)
    return RecordFile(path, JsonLines(fields=fields, sizes=sizes, compression=compression))


def _compression_of(path: str) -> str:
    with explained(path), open(path, "rb") as file:
        return compression_of(file.read(_MARK))


def _compression(suffix: str) -> str:
    for name, end in SUFFIXES.items():
        if suffix == f".jsonl{end}":
            return name
    known = ", ".join(f".jsonl{end}" for end in SUFFIXES.values())
    raise BadInput(f"records of JSON Lines are written as {known}; got {suffix}")
