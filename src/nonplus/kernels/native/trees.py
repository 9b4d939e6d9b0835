"""The tree of an n-gram model, walked along its levels in C (``trees.c``).

Letters in shapes: M n-grams of the last level, k words of each.
"""

import ctypes
import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nonplus.native import library

_MAX_ORDER = 32


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its function for trees; ``None`` without it."""
    loaded = library()
    if loaded is not None:
        pointer, count = ctypes.c_void_p, ctypes.c_int64
        loaded.nonplus_trees_ids.argtypes = [pointer, count, count, count, pointer]
        loaded.nonplus_trees_ids.restype = None
    return loaded


def fits(order: int) -> bool:
    """Whether trees of so many levels can be walked here."""
    return order <= _MAX_ORDER and functions() is not None


def ids(keys: Sequence[NDArray[np.int64]], vocabulary: int) -> NDArray[np.int32]:
    """The words (M, k) of all n-grams on the last of k levels, whose keys rise.

    The caller checks that they fit.
    """
    loaded = functions()
    assert loaded is not None, "the C kernel is not available: check fits() first"
    kept = [np.ascontiguousarray(level, np.int64) for level in keys]
    ids_Mk = np.empty((len(kept[-1]), len(kept)), np.int32)
    pointers = (ctypes.c_void_p * len(kept))(*(level.ctypes.data for level in kept))
    loaded.nonplus_trees_ids(ctypes.addressof(pointers), len(kept), vocabulary, len(ids_Mk), ids_Mk.ctypes.data)
    return ids_Mk
