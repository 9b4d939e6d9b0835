"""Lines of n-grams in an ARPA file, read and written in C (``arpa.c``).

Letters in shapes: N bytes, M n-grams, k words of each, V words.
"""

import ctypes
import functools
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Ints
from nonplus.native import library

Bytes = NDArray[np.uint8]
Float32s = NDArray[np.float32]

_PER_LINE = 64  # bytes of a line that are no words: two numbers, tabs and the end


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its functions for ARPA files; ``None`` without."""
    loaded = library()
    if loaded is None:
        return None
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    loaded.nonplus_arpa_read.argtypes = [pointer, *[count] * 4, *[pointer] * 5]
    loaded.nonplus_arpa_write.argtypes = [pointer, count, count, *[pointer] * 6]
    loaded.nonplus_arpa_read.restype = loaded.nonplus_arpa_write.restype = count
    return loaded


@final
@dataclass(frozen=True, slots=True)
class PlainLines:
    """The n-grams of the first lines of a text: the bytes where their words begin and
    stop and where the lines end, and their numbers.
    """

    begins_M: Ints
    stops_M: Ints
    ends_M: Ints
    log10_probs_M: Float32s
    log10_backoffs_M: Float32s

    def first(self, n: int) -> "PlainLines":
        """The first ``n`` of them."""
        return PlainLines(
            self.begins_M[:n], self.stops_M[:n], self.ends_M[:n], self.log10_probs_M[:n], self.log10_backoffs_M[:n]
        )


def read(loaded: ctypes.CDLL, text_N: Bytes, *, order: int, highest: bool, room: int) -> PlainLines:
    """Read lines, at most ``room`` of them, up to the first that is not plain.

    Every line of ``text_N`` has its end. The highest order has no back-off weights but
    0. ``loaded`` are the :func:`functions`.
    """
    room = min(room, len(text_N) // (2 * order + 2) + 1)  # no line is shorter
    places, numbers = np.empty((3, room), np.int64), np.empty((2, room), np.float32)
    n = loaded.nonplus_arpa_read(
        text_N.ctypes.data, len(text_N), order, highest, room, *(column.ctypes.data for column in (*places, *numbers))
    )
    return PlainLines(*places, *numbers).first(n)


@final
class PackedWords:
    """Words end to end, as lines are written from them."""

    def __init__(self, words: list[bytes]) -> None:
        self.text = b"".join(words)
        self.lengths_V = np.array([len(word) for word in words], np.int64)
        self.stops_V = np.cumsum(self.lengths_V)


def written(
    loaded: ctypes.CDLL,
    words: PackedWords,
    ids_Mk: NDArray[np.int32],
    log10_probs_M: Float32s,
    log10_backoffs_M: Float32s | None,
) -> tuple[memoryview, int]:
    """The lines of n-grams up to the first that is not plain, and how many there are.

    ``loaded`` are the :func:`functions`.
    """
    n, order = ids_Mk.shape
    room = int(words.lengths_V[ids_Mk].sum()) + n * (_PER_LINE + order)
    to_N, size = np.empty(room, np.uint8), ctypes.c_int64()
    ids_Mk, log10_probs_M = np.ascontiguousarray(ids_Mk), np.ascontiguousarray(log10_probs_M)
    backoffs = None if log10_backoffs_M is None else np.ascontiguousarray(log10_backoffs_M)
    done = loaded.nonplus_arpa_write(
        ids_Mk.ctypes.data,
        n,
        order,
        log10_probs_M.ctypes.data,
        None if backoffs is None else backoffs.ctypes.data,
        words.text,
        words.stops_V.ctypes.data,
        to_N.ctypes.data,
        ctypes.byref(size),
    )
    return to_N[: size.value].data, done
