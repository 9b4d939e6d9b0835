"""Surprisal by how much of a text the model saw before a token."""

import math
from dataclasses import dataclass

import numpy as np

from nonplus.measure.records import ScoredText
from nonplus.measure.statistics.fixed_point import fixed, unfixed


@dataclass(frozen=True, slots=True)
class PositionSums:
    """Sums over tokens that saw between ``seen_from`` and ``seen_to`` others, both included."""

    seen_from: int
    seen_to: int
    tokens: float
    nats: float


class PositionTally:
    """Surprisal by how many tokens were seen before, in stretches that double: 0, 1, 2-3, 4-7, …"""

    def __init__(self) -> None:
        """Start from nothing."""
        self._sums: dict[int, list[int]] = {}

    def add(self, scored: ScoredText) -> None:
        """Count a scored text in; tokens of probability zero are left out."""
        stretch = np.frexp(scored.seen.astype(np.float64))[1]
        possible = np.isfinite(scored.nats)
        for power in np.unique(stretch[possible]):
            chosen = possible & (stretch == power)
            sums = self._sums.setdefault(int(power), [0, 0])
            sums[0] += fixed(math.fsum(scored.weight[chosen]))
            sums[1] += fixed(math.fsum(scored.nats[chosen] * scored.weight[chosen]))

    def rows(self) -> tuple[PositionSums, ...]:
        """The stretches in order."""
        return tuple(
            PositionSums((1 << power) // 2, max((1 << power) - 1, 0), unfixed(tokens), unfixed(nats))
            for power, (tokens, nats) in sorted(self._sums.items())
        )
