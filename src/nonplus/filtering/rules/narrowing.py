"""The place where a running sum over ordered documents reaches a target.

The order need not be kept in memory. Each look at all documents sums their weights by
the next bits of what they are ordered by, and tells in which bin the target lies; the
next look sees that bin alone. The first 24 bits of a float64 are a histogram with 4,096
bins to the doubling. The second look mostly has few documents and takes all other bits,
so two looks are enough, whatever the order in which the documents come.
"""

# N numbers

import numpy as np

from nonplus.filtering.rules.needs import Counted
from nonplus.filtering.rules.scored import Floats
from nonplus.filtering.rules.sums import Keys, Sums

_BITS, _FIRST, _STEP, _FEW = 64, 24, 20, 1 << 20
BEYOND_ALL = (np.inf, 1.0)  # the mark where the target is not reached


def ordered(numbers: Floats) -> Keys:
    """Integers in the same order as the numbers (N,), none of which is NaN."""
    bits = (numbers + 0.0).view(np.uint64)  # + 0.0: -0.0 becomes the 0.0 that it equals
    return np.where(bits >> np.uint64(63), ~bits, bits | np.uint64(1 << 63))


def number(key: int) -> float:
    """Inverse of :func:`ordered`, for one."""
    bits = key ^ (1 << 63) if key >> 63 else key ^ ((1 << 64) - 1)
    return float(np.uint64(bits).view(np.float64))


class Narrowing:
    """A search that is narrowed by each look.

    ``mark`` is found once ``done``: with ``by_value`` the value of the first document
    with which the sum reaches the target, else its value and its draw. ``total`` is the
    sum of all weights, known after the first look.
    """

    def __init__(self, *, by_value: bool) -> None:
        self._by_value = by_value
        self._found: list[float] = []
        self._bin, self._left, self._step = 0, _BITS, _FIRST
        self._sums = Sums()
        self._below = 0
        self.mark: tuple[float, ...] = ()

    @property
    def done(self) -> bool:
        """Whether the mark is found."""
        return bool(self.mark)

    @property
    def total(self) -> int:
        """The sum of all weights of the last look."""
        return int(self._sums.sorted()[2].sum())

    def see(self, counted: Counted) -> None:
        """Some of the documents, in any order; each once in a look."""
        if self.done:
            return
        values, weights = counted.values, counted.weights
        if self._found:
            at = np.flatnonzero(values == self._found[0])
            values, weights = (counted.draws() if len(at) else values)[at], weights[at]
        keys = ordered(values)
        if self._left < _BITS:
            inside = keys >> np.uint64(self._left) == self._bin
            keys, weights = keys[inside], weights[inside]
        if len(keys):
            self._sums.add(keys >> np.uint64(self._left - self._step), weights)

    def narrow(self, target: int) -> None:
        """All documents were seen: go on where the sum reaches the target."""
        keys, documents, weights = self._sums.sorted()
        reached = self._below + np.cumsum(weights)
        if reached[-1] < target:
            self.mark = BEYOND_ALL
            return
        place = int(np.searchsorted(reached, target))
        self._sums, self._below = Sums(), int(reached[place] - weights[place])
        self._go_on(int(keys[place]), self._left - self._step, int(documents[place]))

    def _go_on(self, bin: int, left: int, documents: int) -> None:
        if left == 0:
            self._found.append(number(bin))
            if self._by_value or len(self._found) == 2:
                self.mark = tuple(self._found)
            elif documents == 1:  # its draw decides nothing
                self.mark = (*self._found, 0.0)
            bin, left = 0, _BITS
        self._bin, self._left = bin, left
        self._step = left if documents <= _FEW else min(left, _STEP)
