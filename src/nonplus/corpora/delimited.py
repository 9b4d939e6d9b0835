"""Tables as text, ``.csv`` and ``.tsv``: every value is text, as it is written."""

import csv
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, final

from nonplus.corpora.decoding import Line, lines, too_long
from nonplus.corpora.rows import Place, RowReader
from nonplus.errors import BadInput, BadRecord
from nonplus.measure.formatting import counted
from nonplus.measure.records import Document


def delimited(stream: BinaryIO, name: str, reader: RowReader) -> Iterator[Document]:
    """A document for each row after the header, with the id ``name:line``.

    The header names the fields. It tells the delimiter, too: a tab, a semicolon or a
    comma, the first of these that it has. Values may be quoted (RFC 4180) and then hold
    newlines; ``NA`` and ``12`` are text like any other. An empty line is a blank
    document.

    Raises:
        BadRecord: a row is bad, and the options do not say to skip it; or one of
            several lines is too long, because where it ends is not known.
    """
    source = _Lines(lines(stream, max_bytes=reader.max_bytes), name, reader.max_bytes)
    first = next(source, "")
    delimiter = next((mark for mark in "\t;" if mark in first), ",")
    rows = csv.reader(chain([first], source), strict=True, delimiter=delimiter)
    header = _next_row(rows, Place(name, "line", 1), reader.max_bytes)
    source.check()
    if header is None:
        return
    _check(header, f"{name}, in its header", reader)
    while True:
        place = Place(name, "line", source.begin())
        try:
            row = _next_row(rows, place, reader.max_bytes)
            source.check()
            if row is None:
                return
            if row:
                yield from reader.read(_named(header, row, place), place)
            else:
                yield Document(text="", id=place.id)
        except BadInput as problem:
            if source.is_too_long:
                raise
            reader.reject(problem, place, source)


def _named(header: list[str], row: list[str], place: Place) -> dict[str, str]:
    if len(row) != len(header):
        raise BadRecord(
            f"{place}: {counted(len(row), 'value')}, where the header names {counted(len(header), 'field')}; put "
            "quotes around a value that has the delimiter in it"
        )
    return dict(zip(header, row, strict=True))


@final
class _Lines:
    """The lines as text, and those of the current row.

    A line that is not UTF-8 is passed on as far as it is, so that its row ends where it
    ends: what is left of a bad row is no row.
    """

    def __init__(self, source: Iterator[Line], name: str, max_bytes: int) -> None:
        self._source = source
        self._name = name
        self._max_bytes = max_bytes
        self._number = 0
        self._row: list[Line] = []
        self._size = 0
        self._fault: BadRecord | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._source)
        self._number = line.number
        self._row.append(line)
        self._size += len(line.raw)
        if self.is_too_long:
            raise too_long(f"{self._name}, at line {self._row[0].number}: the row", self._max_bytes)
        try:
            return line.text(self._name)
        except BadRecord as fault:
            if not line.whole:
                raise
            self._fault = self._fault or fault
            return str(line)

    @property
    def is_too_long(self) -> bool:
        """Whether the row so far, of several lines, is longer than one may be."""
        return self._size > self._max_bytes

    def begin(self) -> int:
        """Begin a row, and say at which line."""
        self._row.clear()
        self._size, self._fault = 0, None
        return self._number + 1

    def check(self) -> None:
        """Check that the lines of the row are UTF-8.

        Raises:
            BadRecord: one is not.
        """
        if self._fault:
            raise self._fault

    def __str__(self) -> str:
        return "\n".join(map(str, self._row))


def _next_row(rows: Iterator[list[str]], place: Place, max_bytes: int) -> list[str] | None:
    # A setting of the whole process: 131,072 characters are too few for a text.
    before = csv.field_size_limit(max_bytes)
    try:
        return next(rows, None)
    except csv.Error as error:
        remedy = "write its newlines as LF" if "new-line" in str(error) else "a quote inside of quotes is written twice"
        fault = str(error).partition(" - ")[0]
        raise BadRecord(f"{place}: not a row of delimited text, {fault}; {remedy}") from None
    finally:
        csv.field_size_limit(before)


def _check(header: list[str], where: str, reader: RowReader) -> None:
    reader.check(header, where)
    twice = [name for name in reader.columns if header.count(name) > 1]
    if twice:
        raise BadRecord(f"{where}: two fields are named {twice[0]!r}; rename one of them")
