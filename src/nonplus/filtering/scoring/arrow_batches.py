"""Tables of Arrow in, tables of Arrow out: texts as the bytes that they are, figures as
new columns.

Letters in shapes: D rows, N bytes of their texts.
"""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.closest import did_you_mean
from nonplus.errors import BadInput
from nonplus.filtering.scoring.columns import ScoreColumns
from nonplus.measure.records import Bools
from nonplus.measure.utf8_texts import Utf8Texts
from nonplus.optional import require


def texts_of(table: Any, column: str) -> Iterator[tuple[Utf8Texts, Bools]]:
    """The texts of a column in its chunks, without an object for each, and which of
    them are there; one that is null is an empty text.

    Raises:
        BadInput: there is no such column, or it is not of text.
    """
    arrow = _arrow()
    if column not in table.column_names:
        raise BadInput(
            f"the table has no column {column!r}; its columns are {', '.join(table.column_names)}"
            f"{did_you_mean(column, table.column_names, before='text=') or '; name the one with the text, as text=…'}"
        )
    texts = table.column(column)
    kind = texts.type.value_type if arrow.types.is_dictionary(texts.type) else texts.type
    if not any(is_kind(kind) for is_kind in _kinds(arrow.types)):
        raise BadInput(
            f"the column {column!r} is of type {texts.type}, where text is needed; cast it, or name another as text=…"
        )
    for chunk in texts.cast(arrow.large_string()).chunks:
        yield _of_chunk(chunk, column)


def _kinds(types: ModuleType) -> list[Any]:
    return [types.is_string, types.is_large_string, types.is_string_view, types.is_null]


def _of_chunk(chunk: Any, column: str) -> tuple[Utf8Texts, Bools]:
    whole = chunk.fill_null("") if chunk.null_count else chunk
    starts = np.frombuffer(whole.buffers()[1], np.int64)[whole.offset : whole.offset + len(whole) + 1]
    first, last = int(starts[0]), int(starts[-1])
    data_N = np.frombuffer(whole.buffers()[2] or b"", np.uint8)[first:last]
    texts = Utf8Texts(data_N, starts - first)
    if not texts.is_ascii:
        try:
            whole.validate(full=True)
        except ValueError as wrong:
            raise BadInput(
                f"the column {column!r} holds what is no UTF-8: {wrong}; decode it as it was encoded"
            ) from None
    there_D = np.ones(len(chunk), np.bool_)
    if chunk.null_count:
        there_D[:] = chunk.is_valid().to_numpy(zero_copy_only=False)
    return texts, there_D


def with_figures(table: Any, columns: ScoreColumns, there_D: Bools, *, model: str, prefix: str) -> Any:
    """The table with the figures of its rows as further columns, whose names begin with
    ``prefix``: null where there is none.

    Raises:
        BadInput: it has a column of such a name.
    """
    arrow = _arrow()
    at_D = there_D & ~np.isnan(columns.worst)
    added = {
        name: _numbers(arrow, values_D, at_D if name == "worst_window_at" else there_D)
        for name, values_D in columns.as_dict().items()
    }
    added["model"] = arrow.repeat(model, len(columns))
    for name, values in added.items():
        if prefix + name in table.column_names:
            raise BadInput(
                f"the table has a column {prefix + name!r} already, where a figure is to go; choose another prefix=…, "
                "or drop the column"
            )
        table = table.append_column(prefix + name, values)
    return table


def _numbers(arrow: ModuleType, values_D: NDArray[Any], there_D: Bools) -> Any:
    """A column from its memory, null where it is NaN: ``pyarrow.array`` would load
    pandas.
    """
    valid = arrow.py_buffer(np.packbits(there_D & (values_D == values_D), bitorder="little"))
    kind = arrow.from_numpy_dtype(values_D.dtype)
    return arrow.Array.from_buffers(kind, len(values_D), [valid, arrow.py_buffer(np.ascontiguousarray(values_D))])


def as_table(batch: Any) -> Any:
    """A table or a record batch of Arrow, or what hands out one as Polars does.

    Raises:
        BadInput: it is none of these.
    """
    arrow = _arrow()
    try:
        return batch if isinstance(batch, arrow.Table) else arrow.table(batch)
    except (TypeError, ValueError):
        raise BadInput(
            f"a batch is of type {type(batch).__name__}, where a table of Arrow is needed; give a pyarrow.Table"
        ) from None


def _arrow() -> ModuleType:
    return require("pyarrow", purpose="scoring tables of Arrow")
