"""Rows of an Arrow table as the records of a unit, and written with new columns.

Letters in shapes: D readable records of a unit.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np

from nonplus.corpora.records.arrow_library import arrow, compute
from nonplus.corpora.records.field_values import as_label
from nonplus.corpora.records.interfaces import SHOWN, Batch, Column, RecordFields, Rejection, Written, too_long
from nonplus.corpora.records.table_files import digest_of, table_file
from nonplus.corpora.records.table_schemas import decoded, path_in
from nonplus.measure.records import Ints

# What Hugging Face notes about columns would lack the new ones, and then it refuses the
# file.
_FEATURES = b"huggingface"


def batch_of(number: int, first: int, table: Any, fields: RecordFields, longest: int, suffix: str) -> Batch:
    """The rows of ``table`` as the unit ``number``; the first is row ``first`` of the
    file. A row without a text, or with one of over ``longest`` bytes, is rejected.
    """
    texts: list[str] = []
    places: list[int] = []
    rejected: list[Rejection] = []
    for place, value in enumerate(_strings(column_at(table, fields.text)), first):
        fault = _fault(value, fields.text, longest)
        if fault:
            rejected.append(Rejection(place, fault, value[:SHOWN] if isinstance(value, bytes) else b""))
        else:
            texts.append(value)
            places.append(place)
    rows = np.array(places, np.int64) - first
    return Batch(
        number=number,
        records=len(table),
        texts=texts,
        places=rows + first,
        attributes={
            what: [_label(value) for value in column_at(table, field).take(rows).to_pylist()]
            for what, field in fields.attributes.items()
        },
        rejected=rejected,
        digest=partial(_digest, first, table),
        written=partial(_written, table, rows, suffix),
        with_texts=partial(_retold, table, rows, fields.text, suffix),
    )


def _digest(first: int, table: Any) -> str:
    return f"{first} {digest_of(table)}"


def column_at(table: Any, field: str) -> Any:
    """The values of a field, which may be inside of a column."""
    name, *inner = path_in(table.schema, field)
    column = decoded(table[name])
    return decoded(compute().struct_field(column, inner)) if inner else column


def _strings(column: Any) -> Sequence[Any]:
    """The values: bytes where they are no UTF-8."""
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        values = column.cast(arrow().large_binary()).to_pylist()
    return [_text(value) if isinstance(value, bytes) else value for value in values]


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _fault(value: str | bytes | None, field: str, longest: int) -> str:
    """Why a value is no text of a record; empty if it is."""
    if value is None:
        return f"the field {field!r} is null, where text is needed; name a field of text"
    if isinstance(value, bytes):
        return "not UTF-8; write the file again from valid text"
    if len(value) > longest or (4 * len(value) > longest and len(value.encode()) > longest):
        return too_long("the text", longest)
    return ""


def _label(value: object) -> str | None:
    return str(value) if isinstance(value, datetime | date | time | Decimal) else as_label(value)


def _written(table: Any, rows_D: Ints, suffix: str, chosen: Ints, columns: Mapping[str, Column]) -> bytes:
    taken = table.take(rows_D[chosen]).combine_chunks()
    for name, values in columns.items():
        taken = taken.append_column(name, _array(values, chosen))
    if columns:
        kept = {key: value for key, value in (table.schema.metadata or {}).items() if key != _FEATURES}
        taken = taken.replace_schema_metadata(kept)
    return table_file(taken, suffix)


def _retold(table: Any, rows_D: Ints, field: str, suffix: str, texts: Mapping[int, str]) -> Written:
    """What writes the readable rows, some with other texts."""
    readable = table.take(rows_D)
    name, *inner = path_in(table.schema, field)
    column = readable[name]
    values = column.to_pylist()
    for place, text in texts.items():
        values[place] = _with_text(values[place], inner, text)
    retold = readable.set_column(
        table.schema.get_field_index(name), table.schema.field(name), arrow().array(values, column.type)
    )
    return partial(_written, retold, np.arange(len(values)), suffix)


def _with_text(value: Any, inner: Sequence[str], text: str) -> Any:
    if inner:
        return {**value, inner[0]: _with_text(value[inner[0]], inner[1:], text)}
    return text.encode() if isinstance(value, bytes) else text


def _array(values: Column, chosen: Ints) -> Any:
    """The chosen values as an Arrow array; NaN is null."""
    if isinstance(values, np.ndarray):
        return arrow().array(values[chosen], from_pandas=True)
    picked = [values[place] for place in chosen.tolist()]
    # A column of a few nulls must have the type of the others, which are words.
    kind = arrow().string() if all(value is None for value in values) else None
    return arrow().array(picked, kind, from_pandas=True)
