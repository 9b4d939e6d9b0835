"""Look-up in KenLM's hash tables, in C (``kenlm.c``).

Letters in shapes: N keys, M slots.
"""

import ctypes
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.native import library
from nonplus.measure.records import Ints


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its functions for KenLM; ``None`` without it."""
    loaded = library()
    if loaded is None:
        return None
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    loaded.nonplus_kenlm_find.argtypes = [pointer, count, count, pointer, count, pointer]
    loaded.nonplus_kenlm_find.restype = None
    return loaded


def find(loaded: ctypes.CDLL, entries_M: NDArray[Any], keys_N: NDArray[np.uint64]) -> Ints:
    """The slot of each key, -1 if it has none; entries begin with their keys.

    ``loaded`` are the :func:`functions`.
    """
    keys_N = np.ascontiguousarray(keys_N)
    slots_N = np.empty(len(keys_N), np.int64)
    loaded.nonplus_kenlm_find(
        entries_M.ctypes.data, entries_M.itemsize, len(entries_M), keys_N.ctypes.data, len(keys_N), slots_N.ctypes.data
    )
    return slots_N
