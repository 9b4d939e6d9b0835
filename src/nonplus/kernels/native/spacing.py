"""Gaps between words as one separator each, in C (``spacing.c``).

Letters in shapes: N bytes of D texts, K bytes that are kept.
"""

import ctypes
import functools

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Integers, Ints
from nonplus.native import library

Bytes = NDArray[np.uint8]


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its function for gaps; ``None`` without it."""
    loaded = library()
    if loaded is not None:
        pointer, count = ctypes.c_void_p, ctypes.c_int64
        for function in (loaded.nonplus_spaced_32, loaded.nonplus_spaced_64):
            function.argtypes = [pointer, pointer, count, pointer, pointer, pointer, pointer]
            function.restype = None
    return loaded


def spaced(data_N: Bytes, starts_D1: Ints, classes: bytes) -> tuple[Bytes, Integers, Ints]:
    """What is kept (K,), where in ``data_N`` it was, and how long that is (K + 1,), and
    where each text begins in it (D + 1,).

    ``classes`` has for each of the 256 bytes a blank, a newline or itself. The caller
    checks that ``functions()`` is there.
    """
    loaded = functions()
    assert loaded is not None, "the C kernel is not available: check functions() first"
    data_N, starts_D1 = np.ascontiguousarray(data_N), np.ascontiguousarray(starts_D1)
    narrow = len(data_N) < np.iinfo(np.int32).max
    kept_K, kept_D1 = np.empty_like(data_N), np.empty_like(starts_D1)
    origin_K1: Integers = np.empty(len(data_N) + 1, np.int32 if narrow else np.int64)
    spaced = loaded.nonplus_spaced_32 if narrow else loaded.nonplus_spaced_64
    given = (data_N.ctypes.data, starts_D1.ctypes.data, len(starts_D1) - 1, classes)
    spaced(*given, kept_K.ctypes.data, origin_K1.ctypes.data, kept_D1.ctypes.data)
    n = int(kept_D1[-1])
    return kept_K[:n], origin_K1[: n + 1], kept_D1
