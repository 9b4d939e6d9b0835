"""Weights summed by key, in memory that grows with the distinct keys only."""

# N keys as they come, K distinct ones

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nonplus.filtering.rules.scored import Ints

Keys: TypeAlias = NDArray[np.uint64]

_PENDING = 1 << 16


class Sums:
    """How many items, and what weight, each key has: exact integers."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Keys, Ints, Ints]] = []
        self._size, self._settled = 0, 0

    def add(self, keys: Keys, weights: Ints) -> None:
        """Items with these keys and weights, both (N,)."""
        self._waiting.append((keys, np.ones(len(keys), np.int64), weights))
        self._size += len(keys)
        if self._size > 2 * self._settled + _PENDING:
            self._settle()

    def _settle(self) -> None:
        keys, counts, weights = (np.concatenate(each) for each in zip(*self._waiting, strict=True))
        order = np.argsort(keys, kind="stable")
        keys, counts, weights = keys[order], counts[order], weights[order]
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        summed = (keys[starts], np.add.reduceat(counts, starts), np.add.reduceat(weights, starts))
        self._waiting, self._size, self._settled = [summed], len(starts), len(starts)

    def sorted(self) -> tuple[Keys, Ints, Ints]:
        """The distinct keys in rising order, their numbers of items and their weights,
        all (K,).
        """
        self._settle()
        return self._waiting[0]
