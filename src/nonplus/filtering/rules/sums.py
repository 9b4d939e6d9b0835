"""Weights summed by group and key, in memory that grows with the distinct pairs."""

# N items as they come, K distinct pairs

from dataclasses import dataclass
from typing import Self, final

import numpy as np

from nonplus.filtering.rules.ordering import Keys
from nonplus.filtering.rules.scored import Ints

_WAITING = 1 << 16


@final
@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Pairs of a group and a key, each with the number and the weight of its items; all
    (K,).
    """

    groups: Ints
    keys: Keys
    items: Ints
    weights: Ints

    def between(self, start: int, stop: int) -> Self:
        """Some of the pairs."""
        at = slice(start, stop)
        return type(self)(self.groups[at], self.keys[at], self.items[at], self.weights[at])

    @classmethod
    def merged(cls, parts: list[Self]) -> Self:
        """Each pair once, in rising order: by group, then by key. Exact integers."""
        groups = np.concatenate([each.groups for each in parts])
        keys = np.concatenate([each.keys for each in parts])
        items = np.concatenate([each.items for each in parts])
        weights = np.concatenate([each.weights for each in parts])
        order = np.lexsort((keys, groups))
        groups, keys = groups[order], keys[order]
        new = np.concatenate([[True], (groups[1:] != groups[:-1]) | (keys[1:] != keys[:-1])])
        starts = np.flatnonzero(new[: len(groups)])
        summed = (np.add.reduceat(each[order], starts) if len(starts) else each for each in (items, weights))
        return cls(groups[starts], keys[starts], *summed)


class Sums:
    """How many items, and what weight, each key has in each group."""

    def __init__(self) -> None:
        self._parts = [Entries(np.empty(0, np.int64), np.empty(0, np.uint64), *np.empty((2, 0), np.int64))]
        self._waiting = 0

    def add(self, groups: Ints, keys: Keys, weights: Ints) -> None:
        """Items in these groups, with these keys and weights, all (N,)."""
        self._parts.append(Entries(groups, keys, np.ones(len(keys), np.int64), weights))
        self._waiting += len(keys)
        if self._waiting > len(self._parts[0].keys) + _WAITING:
            self.merged()

    def merged(self) -> Entries:
        """Each pair of group and key once, in rising order."""
        self._parts = [Entries.merged(self._parts)]
        self._waiting = 0
        return self._parts[0]
