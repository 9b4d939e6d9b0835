"""What a source names, opened as files of records."""

from collections.abc import Iterator, Mapping
from typing import IO

from nonplus.corpora.records.arrow_files import ArrowRows, kind_at
from nonplus.corpora.records.documents import Documents
from nonplus.corpora.records.interfaces import RecordFields, Sizes
from nonplus.corpora.records.json_lines import JsonLines
from nonplus.corpora.records.parquet_files import ParquetRows
from nonplus.corpora.records.part_suffixes import as_it_came
from nonplus.corpora.records.places import size_at
from nonplus.corpora.records.record_file import RecordFile
from nonplus.corpora.records.sources import Found, found
from nonplus.corpora.records.table_files import PARQUET, TABLES, join_tables
from nonplus.corpora.records.text_lines import TextLines
from nonplus.corpora.records.warc_texts import WarcTexts
from nonplus.errors import BadInput

_SIZES = Sizes()
_TABULAR: Mapping[str, type[ParquetRows | ArrowRows]] = {"parquet": ParquetRows, "arrow": ArrowRows}


def record_files(source: str, fields: RecordFields, *, sizes: Sizes = _SIZES) -> list[RecordFile]:
    """The files that a source names: a file, a folder, a pattern, a URL, or one of
    these after ``jsonl:``, ``lines:``, ``file:``, ``parquet:``, ``arrow:`` or
    ``warc:``; or those of a saved data set.

    Text files that are a record each are one file of records together. Of tables the
    schema of the first is looked at, so that a wrong field is told before any work.

    Raises:
        BadInput: it names none, or one that is not read as records.
    """
    places = found(source)
    for kind, rows in _TABULAR.items():
        first = next((place.location for place in places if place.kind == kind), None)
        if first is not None:
            rows(fields=fields, sizes=sizes).check(first)
    texts = tuple(place.location for place in places if place.kind == "file")
    files = [_opened(place, fields, sizes) for place in places if place.kind != "file"]
    if not texts:
        return files
    own = Documents(paths=texts, fields=fields, sizes=sizes)
    path = texts[0] if len(texts) == 1 else source
    return [*files, RecordFile(path, own, ".jsonl", () if len(texts) == 1 else texts)]


def open_records(place: str, fields: RecordFields, *, sizes: Sizes = _SIZES) -> RecordFile:
    """The records of one file.

    Raises:
        BadInput: it cannot be read, or is not one file.
    """
    files = record_files(place, fields, sizes=sizes)
    if len(files) != 1:
        raise BadInput(f"{place} is {len(files):,} files, where one is needed; name one of them")
    return files[0]


def joined(suffix: str, contents: Iterator[bytes], out: IO[bytes]) -> None:
    """Write what :attr:`Batch.written` made, of one suffix, as one file."""
    if suffix in TABLES:
        join_tables(suffix, contents, out)
    else:
        out.writelines(contents)


def _opened(place: Found, fields: RecordFields, sizes: Sizes) -> RecordFile:
    path = place.location
    size_at(path)  # it is there
    match place.kind:
        case "parquet":
            return RecordFile(path, ParquetRows(fields=fields, sizes=sizes), PARQUET)
        case "arrow":
            return RecordFile(path, ArrowRows(fields=fields, sizes=sizes), kind_at(path))
        case "warc":
            return RecordFile(path, WarcTexts(fields=fields, sizes=sizes), as_it_came(".warc.wet", path))
        case "lines":
            return RecordFile(path, TextLines(fields=fields, sizes=sizes), as_it_came(".txt", path))
        case _:
            return RecordFile(path, JsonLines(fields=fields, sizes=sizes), as_it_came(".jsonl", path))
