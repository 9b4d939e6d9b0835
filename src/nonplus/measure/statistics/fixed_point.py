"""Whole numbers of 2**-40 nats.

A float becomes one before it is added: rounded to nearest, each token by itself. So a
sum is the same whatever the order, the batches, the number of workers or the front end.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Floats, Ints

BITS = 40
_LOW = 30  # a unit is added as two whole numbers, the lower of this many bits: 2**31 of them fit into int64
_MOST = np.finfo(np.float64).max
_BLOCK = 1 << 15  # values
_SMALL = float(1 << 22)  # below this a value times 2**40 fits into int64

Units = NDArray[Any]  # int64, or Python's own whole numbers where a value is too large for that


def fixed(value: float) -> int:
    """``value`` in whole units of 2**-40, the nearest, ties to even; exact for sums
    afterwards.
    """
    numerator, denominator = value.as_integer_ratio()
    quotient, rest = divmod(numerator << BITS, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient & 1))


def unfixed(value: int) -> float:
    """Inverse of :func:`fixed`; infinite beyond what a float can hold."""
    try:
        return value / (1 << BITS)
    except OverflowError:
        return math.inf


def exp(value: float) -> float:
    """e to the ``value``; infinite where that overflows."""
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def exps(values: Floats) -> Floats:
    """e to each value, infinite where that overflows; same shape.

    The bits are the same on every processor of a kind: NumPy's own for float64 have
    another last one on those with AVX-512, 1 time in 22.
    """
    with np.errstate(over="ignore"):
        return np.exp(values.astype(np.longdouble)).astype(np.float64)


def units(values: Floats) -> Units:
    """Finite values in units of 2**-40, each rounded by itself as in :func:`fixed`;
    same shape.
    """
    if max(values.max(initial=0.0), -values.min(initial=0.0)) >= _SMALL:
        exact = [fixed(value) for value in values.ravel().tolist()]
        return np.array(exact, object).reshape(values.shape)
    scaled = values * float(1 << BITS)
    return np.rint(scaled, out=scaled).astype(np.int64)


def run_sums(units_N: Units, offsets: Ints) -> Units:
    """Exact sums over runs ``[offsets[g], offsets[g + 1])``, which may be empty."""
    begun = np.flatnonzero(np.diff(offsets))
    if not len(begun):
        return np.zeros(len(offsets) - 1, np.int64)
    added = _added(units_N[: int(offsets[-1])], offsets[begun])
    sums = np.zeros(len(offsets) - 1, added.dtype)
    sums[begun] = added
    return sums


def _added(units_N: Units, starts: Ints) -> Units:
    if units_N.dtype == object or len(units_N) * max(int(units_N.max()), -int(units_N.min())) < 1 << 63:
        return np.add.reduceat(units_N, starts)
    low = np.add.reduceat(units_N & ((1 << _LOW) - 1), starts)
    high = np.add.reduceat(units_N >> _LOW, starts)
    return (high.astype(object) << _LOW) + low


class Block(NamedTuple):
    """The values ``[values.start, values.stop)`` of runs, which are (parts of) the runs
    ``owners``, and where each of these begins and ends among them.
    """

    values: slice
    owners: slice
    runs: Ints


def blocks(offsets: Ints) -> Iterator[Block]:
    """The values of all runs in blocks, so that what is made of the values for a sum
    takes little memory.
    """
    for start in range(int(offsets[0]), int(offsets[-1]), _BLOCK):
        stop = min(start + _BLOCK, int(offsets[-1]))
        first, last = int(np.searchsorted(offsets, start, side="right")) - 1, int(np.searchsorted(offsets, stop))
        yield Block(slice(start, stop), slice(first, last), np.clip(offsets[first : last + 1], start, stop) - start)


def label_sums(units_N: Units, label_N: Ints, labels: int) -> Units:
    """Sums over the units of each label from 0 on, of which there are fewer than 256;
    exact.
    """
    order = np.argsort(label_N.astype(np.uint8), kind="stable")  # of single bytes, NumPy's stable sort is linear
    return run_sums(units_N[order], np.searchsorted(label_N[order], np.arange(labels + 1)))


def total(values_N: Floats) -> int:
    """The exact sum of values, each rounded by itself, in units of 2**-40."""
    return int(run_sums(units(values_N), np.array([0, len(values_N)]))[0])


def run_weights(weight_N: Floats, offsets: Ints) -> Units:
    """How often the tokens of each run count: the sums of their weights."""
    if (weight_N == 1).all():
        return np.diff(offsets) << BITS
    return run_sums(units(weight_N), offsets)


def weighted(nats_N: Floats, weight_N: Floats) -> Floats:
    """Surprisals by how often they count."""
    return nats_N if (weight_N == 1).all() else bounded_product(nats_N, weight_N)


def bounded_product(one: Floats, other: Floats) -> Floats:
    """Products; where one is beyond what a float can hold, the largest float stands for
    it.
    """
    with np.errstate(over="ignore"):
        product = one * other
    return np.clip(product, -_MOST, _MOST, out=product)
