"""Surprisal by how much of its text the model saw before a token."""

from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.measure.records import ScoredTexts
from nonplus.measure.statistics.document_sums import bounded_product
from nonplus.measure.statistics.fixed_point import label_sums, unfixed, units


@dataclass(frozen=True, slots=True)
class PositionSums:
    """Sums over tokens that saw between ``seen_from`` and ``seen_to`` others, both
    included.
    """

    seen_from: int
    seen_to: int
    tokens: float
    nats: float


@final
class PositionTally:
    """Surprisal by how many tokens were seen before, in ranges that double: 0, 1, 2-3,
    4-7, …
    """

    def __init__(self) -> None:
        """Start from nothing."""
        self._sums: dict[int, tuple[int, int]] = {}

    def add(self, texts: ScoredTexts) -> None:
        """Count scored texts in; tokens of probability 0 are excluded."""
        finite = np.isfinite(texts.nats)
        power = np.frexp(texts.seen[finite].astype(np.float64))[1].astype(np.int64)
        weight = texts.weight[finite]
        ranges = int(power.max(initial=-1)) + 1
        tokens = label_sums(units(weight), power, ranges)
        nats = label_sums(units(bounded_product(texts.nats[finite], weight)), power, ranges)
        for place, added in enumerate(zip(tokens, nats, strict=True)):
            if added[0]:
                before = self._sums.get(place, (0, 0))
                self._sums[place] = (before[0] + added[0], before[1] + added[1])

    def rows(self) -> tuple[PositionSums, ...]:
        """The ranges in order."""
        return tuple(
            PositionSums((1 << power) // 2, max((1 << power) - 1, 0), unfixed(tokens), unfixed(nats))
            for power, (tokens, nats) in sorted(self._sums.items())
        )
