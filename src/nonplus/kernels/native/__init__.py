"""The C kernel (``lse.c``): reads rows of scores once, without copying them.

Without it NumPy or torch code computes the same.

Letters in shapes: N rows, V vocabulary.
"""

import ctypes
import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Floats
from nonplus.native import library

_PER_THREAD = 1 << 20  # with fewer scores, a thread costs more than it saves

DTYPE_BYTES = {"float32": 4, "float64": 8, "bfloat16": 2, "float16": 2}
_SHORT = {"float32": "f32", "float64": "f64", "bfloat16": "bf16", "float16": "f16"}


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its functions for rows; ``None`` without it."""
    loaded = library()
    if loaded is not None:
        pointer, count = ctypes.c_void_p, ctypes.c_int64
        for short in _SHORT.values():
            function = getattr(loaded, f"nonplus_lse_{short}")
            function.argtypes = [pointer, pointer, count, count, count, pointer, pointer]
            function.restype = None
    return loaded


def accumulate(
    address: int,
    dtype: str,
    *,
    kept_N: NDArray[np.bool_],
    level_N: Floats,
    sum_N: Floats,
    vocabulary: int,
    stride: int,
    threads: int,
) -> None:
    """Add the ``vocabulary`` scores of each kept row to ``level_N`` and ``sum_N``.

    The log-sum-exp is then ``level_N + log(sum_N)``; start with minus infinity and 0.
    Rows of a ``dtype`` in ``DTYPE_BYTES`` begin at ``address``, ``stride`` scores
    apart. The caller must keep that memory, and check that ``library()`` is there.
    """
    loaded = functions()
    assert loaded is not None, "the C kernel is not available: check functions() first"
    function = getattr(loaded, f"nonplus_lse_{_SHORT[dtype]}")
    flags_N = np.ascontiguousarray(kept_N, dtype=np.uint8)

    def add_rows(first: int, last: int) -> None:
        function(
            address + first * stride * DTYPE_BYTES[dtype],
            flags_N[first:last].ctypes.data,
            last - first,
            vocabulary,
            stride,
            level_N[first:last].ctypes.data,
            sum_N[first:last].ctypes.data,
        )

    n = len(flags_N)
    threads = max(1, min(threads, n, n * vocabulary // _PER_THREAD))
    if threads == 1:
        add_rows(0, n)
        return
    bounds = [n * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:  # not in_threads: there is no BLAS to limit
        list(pool.map(add_rows, bounds[:-1], bounds[1:]))
