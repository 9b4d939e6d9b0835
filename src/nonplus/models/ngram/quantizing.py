"""Quantised values: each of many float32 values as the number of a bin.

Letters in shapes: M values, B bins.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadModel, BadProtocol
from nonplus.models.ngram.ngrams import Float32s

BITS = range(2, 17)


@final
@dataclass(frozen=True, slots=True)
class Bins:
    """What codes stand for: ``values_B``, ascending.

    ``error`` is the greatest difference between a value and what its code stands for,
    among the values that the bins were made for.
    """

    values_B: Float32s
    error: float

    def codes(self, values_M: Float32s) -> NDArray[np.uint16]:
        """The number of the nearest bin of each value; of two as near, the lower."""
        return _nearest(self.values_B, values_M).astype(np.uint16)


def bins(values: Callable[[], Iterable[Float32s]], bits: int, *, reserved: int = 0) -> Bins:
    """At most ``2 ** bits - reserved`` bins for values, which ``values()`` gives in
    blocks.

    They depend on the values only, not on the blocks, and the memory only on the size
    of a block. Each value has a bin of its own if there are no more different ones than
    bins: to quantise twice is to quantise once. Else the bins are equally far apart
    where there are values at all, because the most probable n-grams are few and most
    often used. The least and the greatest value are exact.

    Raises:
        BadProtocol: ``bits`` is not between 2 and 16.
        BadModel: a value is infinite.
    """
    check_bits(bits)
    room = (1 << bits) - reserved
    distinct = np.zeros(0, np.float32)
    low, high = np.inf, -np.inf
    for block_M in filter(len, values()):
        low, high = min(low, float(block_M.min())), max(high, float(block_M.max()))
        if len(distinct) <= room:
            distinct = np.union1d(distinct, block_M)
    if len(distinct) <= room:
        return Bins(distinct + np.float32(0), 0.0)  # -0 is 0
    if not np.isfinite(high - low):
        raise BadModel("a log-probability of the model is infinite, which no bin holds; write -99 instead, or bits=0")
    # -99, which stands for probability 0, would leave most of the range empty.
    counts = np.zeros(max(1, room // 2), np.int64)
    for block_M in values():
        counts += np.histogram(block_M.astype(np.float64), len(counts), (low, high))[0]
    reached = np.concatenate([[0], np.cumsum(counts > 0)])
    steps = np.linspace(0, reached[-1], room)
    spread = np.interp(steps, reached, np.linspace(low, high, len(reached))).astype(np.float32)
    values_B = np.unique(spread) + np.float32(0)
    return Bins(values_B, max(_error(values_B, block_M) for block_M in values()))


def check_bits(bits: int, *, option: str = "bits") -> None:
    """Refuse a number of bits that no value has; with 0 it stays as it is.

    Raises:
        BadProtocol: it is neither 0 nor between 2 and 16; the message names the option.
    """
    if bits and bits not in BITS:
        raise BadProtocol(
            f"{option}={bits} is no number of bits for a value, which has {BITS[0]} to {BITS[-1]}; use {option}=8, or "
            f"{option}=0 for float32"
        )


def greatest_sum(prob_errors: Sequence[float], backoff_errors: Sequence[float]) -> float:
    """How far from 0 the base-10 logarithm of the sum of all probabilities after a
    history can be in a quantised model, if it is 0 before.

    ``prob_errors`` are the greatest errors of the log-probabilities of order 1, 2, …,
    ``backoff_errors`` those of the back-off weights of order 1, 2, …, one order fewer.
    A probability is that of an n-gram, or a back-off weight times one of lower order.
    """
    greatest = prob_errors[0]
    for prob, backoff in zip(prob_errors[1:], backoff_errors, strict=True):
        greatest = max(prob, backoff + greatest)
    return greatest


def _nearest(values_B: Float32s, values_M: Float32s) -> NDArray[np.intp]:
    exact_B = values_B.astype(np.float64)
    return np.searchsorted((exact_B[1:] + exact_B[:-1]) / 2, values_M.astype(np.float64))


def _error(values_B: Float32s, values_M: Float32s) -> float:
    """The greatest difference between a value and the nearest of ``values_B``."""
    differences_M = values_B[_nearest(values_B, values_M)].astype(np.float64) - values_M
    return float(np.abs(differences_M).max(initial=0.0))
