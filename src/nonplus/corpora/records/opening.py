"""What a source names, opened as files of records."""

from collections.abc import Callable, Iterator
from typing import IO

from nonplus.corpora.records.arrow_files import ArrowRows, kind_of
from nonplus.corpora.records.documents import Documents
from nonplus.corpora.records.interfaces import Format, RecordFields, Sizes
from nonplus.corpora.records.json_lines import JsonLines
from nonplus.corpora.records.parquet_files import ParquetRows
from nonplus.corpora.records.part_suffixes import of_lines, of_tables
from nonplus.corpora.records.places import raw_at, size_at
from nonplus.corpora.records.record_file import RecordFile
from nonplus.corpora.records.sources import Found, found
from nonplus.corpora.records.table_files import FILE, PARQUET, STREAM, join_tables
from nonplus.corpora.records.text_lines import TextLines
from nonplus.corpora.records.warc_texts import WarcTexts
from nonplus.errors import BadInput

_SIZES = Sizes()
_TABLES = (PARQUET, FILE, STREAM)


def record_files(source: str, fields: RecordFields, *, suffix: str = "", sizes: Sizes = _SIZES) -> list[RecordFile]:
    """The files that a source names: a file, a folder, a pattern, a URL, or one of
    these after ``jsonl:``, ``lines:`` or ``file:``.

    Text files that are a record each are one file of records together. ``suffix`` as in
    :func:`open_records`.

    Raises:
        BadInput: it names none, or one that is not read as records.
    """
    places = found(source)
    texts = tuple(place.location for place in places if place.kind == "file")
    files = [_opened(place, fields, suffix, sizes) for place in places if place.kind != "file"]
    if not texts:
        return files
    own = Documents(paths=texts, fields=fields, sizes=sizes, suffix=of_lines(".jsonl", texts[0], suffix or ".jsonl"))
    path = texts[0] if len(texts) == 1 else source
    return [*files, RecordFile(path, own, () if len(texts) == 1 else texts)]


def open_records(place: str, fields: RecordFields, *, suffix: str = "", sizes: Sizes = _SIZES) -> RecordFile:
    """The records of one file.

    They are written as they came or, if ``suffix`` is given, as it says: JSON Lines as
    ``.jsonl``, lines of text as ``.txt`` and WET files as ``.warc.wet``, compressed
    (``.gz``, ``.bz2``, ``.xz``, ``.zst``) or not; tables as ``.parquet``, ``.arrow``
    or, in Arrow's stream format, ``.arrows``.

    Raises:
        BadInput: it cannot be read, is not one file, or cannot be written like that.
    """
    files = record_files(place, fields, suffix=suffix, sizes=sizes)
    if len(files) != 1:
        raise BadInput(f"{place} is {len(files):,} files, where one is needed; name one of them")
    return files[0]


def joined(suffix: str, contents: Iterator[bytes], out: IO[bytes]) -> None:
    """Write what :attr:`Batch.written` made, of one suffix, as one file."""
    if suffix in _TABLES:
        join_tables(suffix, contents, out)
    else:
        out.writelines(contents)


def _opened(place: Found, fields: RecordFields, suffix: str, sizes: Sizes) -> RecordFile:
    make = _FORMATS[place.kind]
    size_at(place.location)
    return RecordFile(place.location, make(place.location, fields, suffix, sizes))


def _json_lines(path: str, fields: RecordFields, suffix: str, sizes: Sizes) -> Format:
    return JsonLines(fields=fields, sizes=sizes, suffix=of_lines(".jsonl", path, suffix))


def _text_lines(path: str, fields: RecordFields, suffix: str, sizes: Sizes) -> Format:
    return TextLines(fields=fields, sizes=sizes, suffix=of_lines(".txt", path, suffix))


def _parquet(path: str, fields: RecordFields, suffix: str, sizes: Sizes) -> Format:
    return ParquetRows(fields=fields, sizes=sizes, suffix=of_tables(PARQUET, suffix))


def _arrow(path: str, fields: RecordFields, suffix: str, sizes: Sizes) -> Format:
    with raw_at(path) as source:
        own = kind_of(source)
    return ArrowRows(fields=fields, sizes=sizes, suffix=of_tables(own, suffix))


def _warc(path: str, fields: RecordFields, suffix: str, sizes: Sizes) -> Format:
    return WarcTexts(fields=fields, sizes=sizes, suffix=of_lines(".warc.wet", path, suffix))


_FORMATS: dict[str, Callable[[str, RecordFields, str, Sizes], Format]] = {
    "jsonl": _json_lines,
    "lines": _text_lines,
    "parquet": _parquet,
    "arrow": _arrow,
    "warc": _warc,
}
