"""Normalising character by character, in C (``substituting.c``).

Letters in shapes: D texts, N bytes given, R of the result, L runs of characters outside
ASCII, V different ones, M bytes that those become.
"""

import ctypes
import functools
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Ints
from nonplus.native import library

MOST = 1 << 31  # bytes of all texts


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its function for this; ``None`` without it."""
    loaded = library()
    if loaded is not None:
        pointer, count = ctypes.c_void_p, ctypes.c_int64
        given = (pointer, pointer, pointer, count, pointer, ctypes.c_int)
        loaded.nonplus_substituted.argtypes = [*given, *[pointer] * 4, *[pointer] * 3]
        loaded.nonplus_substituted.restype = count
    return loaded


@final
@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of characters outside ASCII: which of V different ones each is (L,), what
    those become, end to end, the place in its run of each byte of that (M,), and where
    that of each ends (V,).
    """

    which_L: NDArray[np.int32]
    made: bytes
    origin_M: NDArray[np.int32]
    stop_V: Ints


def substituted(
    given: bytes, begin_D: Ints, stop_D: Ints, *, table: bytes, numbers: bool, runs: Runs
) -> tuple[NDArray[np.uint8], NDArray[np.int32], Ints]:
    """What parts of fewer than ``MOST`` bytes become (R,), the byte of ``given`` that
    each of that is from (R,), and where the result of each part ends (D,).

    A byte of ASCII becomes that of ``table`` (256,), nothing if that is 0; with
    ``numbers``, a whole number becomes one 0. ``runs`` has those of the parts. The
    caller checks that ``functions()`` is there.
    """
    loaded = functions()
    assert loaded is not None, "the C kernel is not available: check functions() first"
    room = len(given) + int(np.diff(runs.stop_V, prepend=0)[runs.which_L].sum()) + 1
    made_R, origin_R = np.empty(room, np.uint8), np.empty(room, np.int32)
    begin_D, stop_D = (np.ascontiguousarray(column, np.int64) for column in (begin_D, stop_D))
    end_D = np.empty(len(begin_D), np.int64)
    done = loaded.nonplus_substituted(
        *(given, begin_D.ctypes.data, stop_D.ctypes.data, len(begin_D), table, numbers),
        *(runs.which_L.ctypes.data, runs.made, runs.origin_M.ctypes.data, runs.stop_V.ctypes.data),
        *(made_R.ctypes.data, origin_R.ctypes.data, end_D.ctypes.data),
    )
    return made_R[:done], origin_R[:done], end_D
