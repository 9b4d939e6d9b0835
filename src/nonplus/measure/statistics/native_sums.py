"""Exact sums over scored tokens, and what these cover, in C (``sums.c``,
``covered.c``).

Letters in shapes: D documents, S scored tokens, R runs of them.
"""

import ctypes
import functools

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Floats, Integers, Ints
from nonplus.measure.scores import ScoredTexts
from nonplus.measure.weights import are_once
from nonplus.native import library

_SUMS = ("nats", "tokens", "squares", "weighted", "zeros")
_RANGES = 64


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its functions for sums; ``None`` without it."""
    loaded = library()
    if loaded is not None:
        pointer, count, flag = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int
        loaded.nonplus_sums_of_runs.argtypes = [pointer, pointer, pointer, count, pointer]
        loaded.nonplus_sums_by_position.argtypes = [pointer, pointer, pointer, flag, count, pointer, pointer]
        texts, column = (pointer, pointer, count, pointer), (pointer, flag)
        loaded.nonplus_covered.argtypes = (*texts, *column, pointer, *column, flag, pointer)
        loaded.nonplus_covered.restype = None
    return loaded


def sums_of_runs(nats_S: Floats, weight_S: Floats, offsets: Ints) -> dict[str, Ints] | None:
    """Sums over runs ``[offsets[r], offsets[r + 1])`` by name, each (R,): those of
    :class:`~nonplus.measure.statistics.sums.Sums`.

    ``None`` if there is no C kernel, or a number is too large for it.
    """
    loaded = functions()
    if loaded is None or not _weighted(nats_S, weight_S):
        return None
    offsets = np.ascontiguousarray(offsets, np.int64)
    sums = np.empty((len(_SUMS), len(offsets) - 1), np.int64)
    given = (nats_S.ctypes.data, _weights(weight_S), offsets.ctypes.data, sums.shape[1])
    failed = loaded.nonplus_sums_of_runs(*given, sums.ctypes.data)
    return None if failed else dict(zip(_SUMS, sums, strict=True))


def sums_by_position(nats_S: Floats, weight_S: Floats, seen_S: Integers) -> Ints | None:
    """Weights and surprisals in each range of ``seen_S`` that doubles, shape (2, R),
    of the tokens that have no probability 0.

    ``None`` if there is no C kernel, or a number is too large for it.
    """
    loaded = functions()
    if loaded is None or not (_weighted(nats_S, weight_S) and _plain(seen_S, np.int32, np.int64)):
        return None
    sums, ranges = np.zeros((2, _RANGES), np.int64), np.zeros(1, np.int64)
    given = (nats_S.ctypes.data, _weights(weight_S), seen_S.ctypes.data, seen_S.itemsize == 8, len(seen_S))
    failed = loaded.nonplus_sums_by_position(*given, sums.ctypes.data, ranges.ctypes.data)
    return None if failed else sums[:, : int(ranges[0])]


def covered(texts: ScoredTexts, data: bytes, begins_D1: Ints) -> Ints | None:
    """Bytes, characters and words that the scored tokens of each document cover, shape
    (3, D); document ``d`` is ``data[begins_D1[d] : begins_D1[d + 1]]``.

    ``None`` if there is no C kernel.
    """
    loaded, index_S, ends_T = functions(), texts.index, texts.tokens.byte_ends
    if loaded is None or not all(_plain(column, np.int32, np.int64) for column in (index_S, ends_T)):
        return None
    found = np.empty((3, len(texts)), np.int64)
    begins_D1, tokens_D1, scored_D1 = (
        np.ascontiguousarray(each, np.int64) for each in (begins_D1, texts.tokens.offsets, texts.offsets)
    )
    loaded.nonplus_covered(
        data,
        begins_D1.ctypes.data,
        len(texts),
        tokens_D1.ctypes.data,
        ends_T.ctypes.data,
        ends_T.itemsize == 8,
        scored_D1.ctypes.data,
        index_S.ctypes.data,
        index_S.itemsize == 8,
        texts.tokens.of.inside_word,
        found.ctypes.data,
    )
    return found


def _weighted(nats_S: Floats, weight_S: Floats) -> bool:
    return _plain(nats_S, np.float64) and (_plain(weight_S, np.float64) or are_once(weight_S))


def _weights(weight_S: Floats) -> int | None:
    return None if are_once(weight_S) else weight_S.ctypes.data


def _plain(column: NDArray[np.generic], *kinds: type[np.generic]) -> bool:
    return column.dtype in kinds and column.dtype.isnative and column.flags.c_contiguous and column.flags.aligned
