"""The C kernel (``lse.c``): reads rows of scores once, without copying them, at the speed of memory.

It is built with the package where a compiler is there, loaded without the Python or torch binary interface, and left
out of use by ``NONPLUS_NATIVE=0``. Everything it does has a pure twin; ``library()`` says whether it is there.

Letters in shapes: N rows, V vocabulary.
"""

import ctypes
import functools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Floats

_FILE = Path(__file__).with_name("liblse.so")
_PER_THREAD = 1 << 20  # scores below which a thread of its own costs more than it saves

FORMATS = {"float32": 4, "float64": 8, "bfloat16": 2, "float16": 2}  # bytes per score
_SHORT = {"float32": "f32", "float64": "f64", "bfloat16": "bf16", "float16": "f16"}


def built() -> bool:
    """Whether the kernel was built with the package."""
    return _FILE.exists()


@functools.cache
def library() -> ctypes.CDLL | None:
    """The loaded kernel; ``None`` where it was not built, does not load on this machine, or is switched off."""
    if os.environ.get("NONPLUS_NATIVE", "1") == "0" or not built():
        return None
    try:
        loaded = ctypes.CDLL(str(_FILE))
    except OSError:  # made for another machine; the pure way gives the same, and `nonplus doctor` says so
        return None
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    for short in _SHORT.values():
        function = getattr(loaded, f"nonplus_lse_{short}")
        function.argtypes = [pointer, pointer, count, count, count, pointer, pointer]
        function.restype = None
    return loaded


def accumulate(
    address: int,
    number_format: str,
    kept_N: NDArray[np.bool_],
    level_N: Floats,
    sum_N: Floats,
    *,
    vocabulary: int,
    stride: int,
    threads: int,
) -> None:
    """Bring ``level_N`` and ``sum_N`` forward by the ``vocabulary`` scores of each kept row.

    The log-sum-exp is then ``level_N + log(sum_N)``; begin with minus infinity and 0. Rows lie ``stride`` scores apart
    from ``address`` on, in one of ``FORMATS``. The caller sees to it that the memory is there.
    """
    loaded = library()
    assert loaded is not None, "asked for without being there"
    function = getattr(loaded, f"nonplus_lse_{_SHORT[number_format]}")
    flags_N = np.ascontiguousarray(kept_N, dtype=np.uint8)

    def piece(first: int, last: int) -> None:
        function(
            address + first * stride * FORMATS[number_format],
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
        piece(0, n)
        return
    bounds = [n * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:  # not in_threads: BLAS, a caller's own perhaps, has no part in this
        list(pool.map(piece, bounds[:-1], bounds[1:]))
