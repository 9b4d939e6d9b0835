"""Columns of a unit as an Arrow file; of the same values the same bytes.

Letters in shapes: D documents of a unit.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.optional import require

PURPOSE = "keeping what is found of a corpus"


def arrow_file(columns: Mapping[str, Any]) -> bytes:
    """The columns by name, compressed with zstd."""
    arrow = require("pyarrow", purpose=PURPOSE)
    table, sink = arrow.Table.from_arrays(list(columns.values()), names=list(columns)), io.BytesIO()
    with arrow.ipc.new_file(sink, table.schema, options=arrow.ipc.IpcWriteOptions(compression="zstd")) as file:
        file.write_table(table)
    return sink.getvalue()


def numbers(values: NDArray[Any]) -> Any:
    """A column of float64 or int64, from its memory: ``pyarrow.array`` would load
    pandas, which takes longer than to score a unit.
    """
    arrow = require("pyarrow", purpose=PURPOSE)
    kind = np.float64 if np.issubdtype(values.dtype, np.floating) else np.int64
    buffer = arrow.py_buffer(np.ascontiguousarray(values, kind))
    return arrow.Array.from_buffers(arrow.from_numpy_dtype(kind), len(values), [None, buffer])


def keys(values: Sequence[bytes]) -> Any:
    """A column of bytes."""
    return _strings(require("pyarrow", purpose=PURPOSE).binary(), values)


def words(values: Sequence[str | None]) -> Any:
    """A column of texts, null for ``None``."""
    encoded = [None if each is None else each.encode() for each in values]
    return _strings(require("pyarrow", purpose=PURPOSE).string(), encoded)


def _strings(kind: Any, values: Sequence[bytes | None]) -> Any:
    arrow = require("pyarrow", purpose=PURPOSE)
    stops = np.cumsum([0, *(len(each or b"") for each in values)], dtype=np.int32)
    there = np.packbits(np.array([each is not None for each in values], np.bool_), bitorder="little")
    buffers = [arrow.py_buffer(each) for each in (there, stops, b"".join(each or b"" for each in values))]
    return arrow.Array.from_buffers(kind, len(values), buffers)
