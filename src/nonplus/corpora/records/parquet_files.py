"""Parquet files: a unit is a few row groups, or some rows of a large one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, ClassVar, NamedTuple, final

from nonplus.corpora.records.arrow_library import arrow, explained_arrow, parquet
from nonplus.corpora.records.interfaces import Batch, RecordFields, Sizes
from nonplus.corpora.records.places import raw_at, shown_place, size_at
from nonplus.corpora.records.table_files import TABLES
from nonplus.corpora.records.table_schemas import check_schema, check_sound, readable
from nonplus.corpora.records.tables import batch_of
from nonplus.errors import BadInput
from nonplus.measure.lists import in_lists

_ROWS_AT_ONCE = 256  # few, because a row may be a book
# Both keep the library from holding a whole row group: it reads chunks of this many
# bytes, and none in advance.
_IN_CHUNKS = {"buffer_size": 1 << 16, "pre_buffer": False}
# A dictionary of few values can stand for many.
_MOST_TIMES = 64


class Rows(NamedTuple):
    """Some rows of a row group, and about how many bytes they take."""

    group: int
    start: int
    stop: int
    size: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetRows:
    """Parquet: a record for each row; all columns are written again."""

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
            check_schema(parquet().read_schema(source), self.fields, name)

    def units_of_a_byte(self, paths: Sequence[str]) -> float:
        """As many as the tables of contents of the files say."""
        return sum(map(self._units_at, paths)) / max(1, sum(map(size_at, paths)))

    def _units_at(self, path: str) -> int:
        with raw_at(path) as source, explained_arrow(shown_place(path)):
            return sum(1 for _ in units_of(parquet().read_metadata(source), self.sizes.unit))

    def batches(self, path: str, suffix: str, takes: Callable[[int], bool]) -> Iterator[Batch]:
        """The units of the file, which its own table of contents tells.

        A unit has the fewest row groups of ``sizes.unit`` bytes or more together,
        without compression; a row group of several times as many is divided.
        """
        name = shown_place(path)
        with raw_at(path) as source, explained_arrow(name):
            file = parquet().ParquetFile(source, **_IN_CHUNKS)
            check_schema(file.schema_arrow, self.fields, name)
            first = 1
            reader = _Reader(file, name, self.sizes)
            for number, rows in enumerate(units_of(file.metadata, self.sizes.unit)):
                if takes(number):
                    table = readable(reader.table(rows))
                    yield batch_of(number, first, table, self.fields, self.sizes.record, suffix)
                first += sum(each.stop - each.start for each in rows)


def units_of(metadata: Any, unit: int) -> Iterator[list[Rows]]:
    """The rows of each unit, in order."""
    groups = (_parts(group, metadata.row_group(group), unit) for group in range(metadata.num_row_groups))
    return in_lists(chain.from_iterable(groups), size=lambda rows: rows.size, least=unit)


def _parts(number: int, group: Any, unit: int) -> Iterator[Rows]:
    rows, size = group.num_rows, max(group.total_byte_size, 0)
    parts = max(1, min(size // unit, rows))
    borders = [rows * part // parts for part in range(parts + 1)]
    for start, stop in pairwise(borders):
        yield Rows(number, start, stop, -(-size // parts))


@final
class _Reader:
    """Reads rows of one file, forwards, a few at a time."""

    def __init__(self, file: Any, name: str, sizes: Sizes) -> None:
        self._file, self._name = file, name
        self._most = _MOST_TIMES * sizes.unit + sizes.record
        self._group, self._at = -1, 0
        self._batches: Iterator[Any] = iter(())

    def table(self, unit: Sequence[Rows]) -> Any:
        """The rows of a unit."""
        found: list[Any] = []
        size = 0
        for rows in unit:
            for batch in self._of(rows):
                found.append(batch)
                size += batch.nbytes
                if size > self._most:
                    raise BadInput(
                        f"{self._name}: {rows.stop - rows.start:,} rows of row group {rows.group} take more than "
                        f"{self._most:,} bytes, although the file says {rows.size:,}; write it again in smaller row "
                        "groups, for example of 1,000 rows"
                    )
        table = arrow().Table.from_batches(found, self._file.schema_arrow)
        check_sound(table)
        return table

    def _of(self, rows: Rows) -> Iterator[Any]:
        if (rows.group, rows.start) < (self._group, self._at) or rows.group != self._group:
            self._batches = self._file.iter_batches(_ROWS_AT_ONCE, row_groups=[rows.group])
            self._group, self._at = rows.group, 0
        while self._at < rows.stop:
            batch = next(self._batches, None)
            if batch is None:
                raise BadInput(f"{self._name} is damaged: row group {rows.group} ends early; make it again")
            before = self._at
            self._at += len(batch)
            if self._at > rows.stop:
                rest = batch.slice(rows.stop - before)
                self._batches = chain([rest], self._batches)
                self._at = rows.stop
            if self._at > rows.start:
                skipped = max(rows.start - before, 0)
                yield batch.slice(skipped, self._at - before - skipped)
