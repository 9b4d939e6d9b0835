"""Tables in memory: columns with names, whatever library made them."""

from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any, Protocol, final, runtime_checkable

from nonplus.corpora.rows import Place, RowReader
from nonplus.errors import BadInput
from nonplus.measure.records import Document

_NAME = "the table"


@runtime_checkable
class _Frame(Protocol):
    """As pandas and polars have it."""

    columns: Any

    def __getitem__(self, column: Any, /) -> Any: ...


@runtime_checkable
class _Table(Protocol):
    """As pyarrow and datasets have it."""

    @property
    def column_names(self) -> Any: ...

    def __getitem__(self, column: Any, /) -> Any: ...


@runtime_checkable
class _Scalar(Protocol):
    """A value of pyarrow."""

    def as_py(self) -> Any: ...


def is_table(value: object) -> bool:
    """Whether ``value`` has named columns: a mapping, or a table of pandas, polars,
    pyarrow or datasets.
    """
    if isinstance(value, _Table):
        return value.column_names is not None  # of a stream they may be unknown before its first row
    return isinstance(value, Mapping | _Frame)


def unwrapped(value: Any) -> Any:
    """``value``, or the Python value of an Arrow scalar."""
    return value.as_py() if isinstance(value, _Scalar) else value


@final
class TableRows:
    """A document for each row of a table, with the id ``the table:row``.

    Rows are counted from 0.

    Raises:
        BadInput: it has no such column, or is not a table but several or one row.
    """

    def __init__(self, table: Any, reader: RowReader) -> None:
        self._reader = reader
        names = _names(table)
        _check(table, names, reader)
        self._columns = {name: table[name] for name in reader.columns}
        sizes = {name: len(column) for name, column in self._columns.items() if isinstance(column, Sized)}
        if len({*sizes.values()}) > 1:
            raise BadInput(f"the columns of the table differ in length: {sizes}; make them equal")

    def __iter__(self) -> Iterator[Document]:
        for number, values in enumerate(zip(*self._columns.values(), strict=True)):
            row = dict(zip(self._columns, map(unwrapped, values), strict=True))
            yield from self._reader.documents(row, Place(_NAME, "row", number))


def _names(table: Any) -> list[Any]:
    match table:
        case Mapping():
            return list(table)
        case _Table():
            return list(table.column_names)
        case _:
            return list(table.columns)


def _check(table: Any, names: list[Any], reader: RowReader) -> None:
    if isinstance(table, Mapping):
        splits = [name for name, value in table.items() if is_table(value)]
        if splits:
            raise BadInput(
                f"these are several tables, {_listed(splits)}; pass one of them, as in tables[{splits[0]!r}]"
            )
        if not all(isinstance(column, Iterable) and not isinstance(column, str | bytes) for column in table.values()):
            raise BadInput(
                f"a mapping with the keys {_listed(names)} is no table of columns; if it is a row, pass [row]"
            )
    if not names:
        raise BadInput("the table has no columns; pass one with a column of texts")
    for option, name in reader.fields.items():
        if name not in names:
            raise BadInput(
                f"the table has no column {name!r} ({option}); its columns are {_listed(names)}; pass one of them, as "
                f"in table[{names[0]!r}], or open_corpus(table, options=CorpusOptions({option}=…))"
            )
        if names.count(name) > 1:
            raise BadInput(f"the table has several columns {name!r}; rename them")


def _listed(names: list[Any]) -> str:
    return ", ".join(map(repr, names))
