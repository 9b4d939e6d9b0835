"""Surprisal by how much of its text the model saw before a token."""

from dataclasses import dataclass
from itertools import zip_longest
from typing import Self, final

import numpy as np

from nonplus.measure.records import Integers, Ints
from nonplus.measure.scores import ScoredTexts
from nonplus.measure.statistics.fixed_point import (
    blocks,
    label_sums,
    run_sums,
    run_weights,
    unfixed,
    units,
    weighted,
)
from nonplus.measure.statistics.native_sums import sums_by_position


def _entered(seen_S: Integers) -> Ints:
    """The tokens that are in another range than the one before; shape (R,)."""
    before_S, after_S = seen_S[:-1], seen_S[1:]
    # numbers with equally many bits have their highest one in common
    other_S = (before_S ^ after_S) > (before_S & after_S)
    return np.flatnonzero(np.append(True, other_S)[: len(seen_S)])


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
@dataclass(frozen=True, slots=True)
class PositionTally:
    """Surprisal by how many tokens were seen before, in ranges that double.

    They are 0, 1, 2-3, 4-7, …; ``sums`` has tokens and nats of each in fixed point.
    """

    sums: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, texts: ScoredTexts) -> Self:
        """The tally of scored texts; tokens of probability 0 are excluded."""
        at_once = sums_by_position(texts.nats, texts.weight, texts.seen)
        if at_once is not None:
            return cls(tuple(zip(*at_once.tolist(), strict=True)))
        return sum((cls._of(texts, block.values) for block in blocks(texts.offsets)), cls())

    @classmethod
    def _of(cls, texts: ScoredTexts, own: slice) -> Self:
        finite_S = np.isfinite(texts.nats[own])
        nats_S, weight_S, seen_S = texts.nats[own][finite_S], texts.weight[own][finite_S], texts.seen[own][finite_S]
        offsets = np.concatenate([_entered(seen_S), [len(seen_S)]])
        power_R = np.frexp(seen_S[offsets[:-1]].astype(np.float64))[1]
        ranges = int(power_R.max(initial=-1)) + 1
        tokens = label_sums(run_weights(weight_S, offsets), power_R, ranges)
        summed = label_sums(run_sums(units(weighted(nats_S, weight_S)), offsets), power_R, ranges)
        return cls(tuple(zip(tokens.tolist(), summed.tolist(), strict=True)))

    def __add__(self, other: Self) -> Self:
        """The tally of both sets of texts."""
        pairs = zip_longest(self.sums, other.sums, fillvalue=(0, 0))
        return type(self)(tuple((a + c, b + d) for (a, b), (c, d) in pairs))

    def rows(self) -> tuple[PositionSums, ...]:
        """The ranges that have tokens, in order."""
        return tuple(
            PositionSums((1 << power) // 2, max((1 << power) - 1, 0), unfixed(tokens), unfixed(nats))
            for power, (tokens, nats) in enumerate(self.sums)
            if tokens
        )
