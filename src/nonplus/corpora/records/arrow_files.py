"""Files of Arrow's IPC formats: a unit is the fewest rows of so many bytes of text."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar, final

import numpy as np

from nonplus.corpora.records.arrow_library import arrow, compute, explained_arrow, ipc
from nonplus.corpora.records.interfaces import Batch, RecordFields, Sizes
from nonplus.corpora.records.places import raw_at, shown_place
from nonplus.corpora.records.table_files import FILE, STREAM, TABLES
from nonplus.corpora.records.table_schemas import check_schema, check_sound, readable
from nonplus.corpora.records.tables import batch_of, column_at
from nonplus.errors import BadInput
from nonplus.measure.records import Ints

_MARK = b"ARROW1"
_END = b"\xff\xff\xff\xff\0\0\0\0"
# What a row takes besides its text, so that rows without text fill a unit, too.
_EACH = 64


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ArrowRows:
    """Arrow's file and stream formats: a record for each row; all columns are written
    again.
    """

    fields: RecordFields
    sizes: Sizes
    suffixes: ClassVar = TABLES
    has_columns: ClassVar = True

    def check(self, path: str) -> None:
        """Check by its schema that a file can give records.

        Raises:
            BadInput: it cannot.
        """
        name = shown_place(path)
        with raw_at(path) as source, explained_arrow(name):
            schema, _ = _tables(source, name)
            check_schema(schema, self.fields, name)

    def units_of_a_byte(self, paths: Sequence[str]) -> float:
        """Nobody knows: how much of a file is text is not to be seen from outside."""
        return 0.0

    def batches(self, path: str, suffix: str, takes: Callable[[int], bool]) -> Iterator[Batch]:
        """The units of the file.

        A unit has the fewest rows that take ``sizes.unit`` bytes or more: those of the
        text, and 64 for each row.
        """
        name = shown_place(path)
        with raw_at(path) as source, explained_arrow(name):
            schema, tables = _tables(source, name)
            check_schema(schema, self.fields, name)
            first = 1
            for number, table in enumerate(_units(tables, self.fields.text, self.sizes.unit)):
                if takes(number):
                    yield batch_of(number, first, table, self.fields, self.sizes.record, suffix)
                first += len(table)


def _units(tables: Iterator[Any], field: str, unit: int) -> Iterator[Any]:
    parts: list[Any] = []
    size = 0
    for table in filter(len, tables):
        ends = size + np.cumsum(_sizes(column_at(table, field)))
        at = 0
        while at < len(table) and ends[-1] >= unit:
            stop = int(np.searchsorted(ends, unit)) + 1
            yield arrow().concat_tables([*parts, table.slice(at, stop - at)])
            parts, at = [], stop
            ends -= ends[stop - 1]
        if at < len(table):
            parts.append(table.slice(at))
            size = int(ends[-1])
        else:
            size = 0
    if parts:
        yield arrow().concat_tables(parts)


def _sizes(texts: Any) -> Ints:
    if arrow().types.is_null(texts.type):
        return np.full(len(texts), _EACH)
    lengths = compute().binary_length(texts).fill_null(0).to_numpy()
    return np.asarray(lengths, np.int64) + _EACH


def _tables(source: BinaryIO, name: str) -> tuple[Any, Iterator[Any]]:
    """The schema of a file, and a table for each of its record batches."""
    kind = _kind_of(source)
    source.seek(0)
    reader = ipc().open_file(source) if kind == FILE else ipc().open_stream(source)

    def each() -> Iterator[Any]:
        numbers = range(reader.num_record_batches) if kind == FILE else ()
        for batch in map(reader.get_batch, numbers) if kind == FILE else reader:
            table = arrow().Table.from_batches([batch], reader.schema)
            check_sound(table)
            yield readable(table)
        if kind == STREAM:
            _check_end(source, name)

    return reader.schema, each()


def _check_end(source: BinaryIO, name: str) -> None:
    """A stream that was cut between two batches, or in which a mark of the end was put,
    looks whole but for where it ends.
    """
    at = source.tell()
    source.seek(-len(_END), os.SEEK_END)
    if source.read() != _END or source.tell() != at:
        raise BadInput(f"{name} is damaged: the stream does not end where the file does; make or download it again")


def kind_at(path: str) -> str:
    """The suffix of the format in which the file at ``path`` is.

    Raises:
        BadInput: it cannot be read.
    """
    with raw_at(path) as source:
        return _kind_of(source)


def _kind_of(source: BinaryIO) -> str:
    return FILE if source.read(len(_MARK)) == _MARK else STREAM
