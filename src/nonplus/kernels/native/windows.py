"""The figures of documents from the surprisals of their tokens, in C (``windows.c``).

Letters in shapes: D documents, S scored tokens of all of them.
"""

import ctypes
import functools
from typing import NamedTuple

import numpy as np

from nonplus.measure.records import Floats, Ints
from nonplus.measure.surprisals import Surprisals
from nonplus.native import library

_WINDOW = 32  # tokens


class Figures(NamedTuple):
    """The figures of D documents that are made of their windows; shapes (D,)."""

    nats: Floats
    bytes: Ints
    error: Floats
    worst: Floats
    worst_begin: Ints
    worst_end: Ints


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its function for figures; ``None`` without it."""
    loaded = library()
    if loaded is not None:
        pointer = ctypes.c_void_p
        given = (pointer, pointer, pointer, ctypes.c_int, pointer, ctypes.c_int64)
        loaded.nonplus_figures.argtypes = [*given, *[pointer] * len(Figures._fields), pointer]
        loaded.nonplus_figures.restype = ctypes.c_int
    return loaded


def figures(scored: Surprisals) -> Figures | None:
    """The figures of each document; ``None`` if there is no C kernel, or a number is
    too large for it.
    """
    loaded = functions()
    if loaded is None:
        return None
    n = len(scored.offsets) - 1
    (nats, error, worst), (n_bytes, begin, end) = np.empty((3, n)), np.empty((3, n), np.int64)
    found = Figures(nats, n_bytes, error, worst, begin, end)
    narrow = scored.begins.dtype == scored.ends.dtype == np.int32
    kinds = (np.float64, *[np.int32 if narrow else np.int64] * 2, np.int64)
    columns = (scored.nats, scored.begins, scored.ends, scored.offsets)
    given = [np.ascontiguousarray(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    nats_S, begins_S, ends_S, offsets = (column.ctypes.data for column in given)
    room = np.empty(len(scored.nats) // _WINDOW + 1, np.int64)
    taken = (column.ctypes.data for column in (*found, room))
    return None if loaded.nonplus_figures(nats_S, begins_S, ends_S, not narrow, offsets, n, *taken) else found
