"""What a layer of a transformer does between its products, in C (``layers.c``).

Letters in shapes: M tokens, F channels of the feed-forward layer, K key heads, R rows
of scores of each, Q tokens whose scores they are, S tokens that these see.
"""

import ctypes
import functools

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Ints
from nonplus.native import library

Array = NDArray[np.float32]


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its functions for layers; ``None`` without it."""
    loaded = library()
    if loaded is not None:
        pointer, count = ctypes.c_void_p, ctypes.c_int64
        loaded.nonplus_causal_exponentials.argtypes = [pointer, count, count, pointer, count, pointer]
        loaded.nonplus_swiglu.argtypes = [pointer, count, count, pointer]
        for function in (loaded.nonplus_causal_exponentials, loaded.nonplus_swiglu):
            function.restype = None
    return loaded


def causal_exponentials(score_KRS: Array, first_Q: Ints) -> Array:
    """Turn the scores of Q tokens, R / Q times, into exponentials in place, relative to
    the largest of a row; their sums, shape (K, R).

    Token ``q`` sees the scores from ``first_Q[q]`` to its own place, Q - q before the
    end; the others become 0. The caller checks that ``functions()`` is there.
    """
    loaded = functions()
    assert loaded is not None, "the C kernel is not available: check functions() first"
    k, r, s = score_KRS.shape
    assert score_KRS.flags.c_contiguous, "the scores are changed in place and must lie row after row"
    first_Q = np.ascontiguousarray(first_Q)
    sum_KR = np.empty((k, r), np.float32)
    given = score_KRS.ctypes.data, k * r, s, first_Q.ctypes.data, len(first_Q)
    loaded.nonplus_causal_exponentials(*given, sum_KR.ctypes.data)
    return sum_KR


def swiglu(both_MF2: Array) -> Array:
    """``gate * sigmoid(gate) * up``, from both side by side; shape (M, F).

    The caller checks that ``functions()`` is there.
    """
    loaded = functions()
    assert loaded is not None, "the C kernel is not available: check functions() first"
    m, both = both_MF2.shape
    mixed_MF = np.empty((m, both // 2), np.float32)
    given = np.ascontiguousarray(both_MF2)
    loaded.nonplus_swiglu(given.ctypes.data, m, both // 2, mixed_MF.ctypes.data)
    return mixed_MF
