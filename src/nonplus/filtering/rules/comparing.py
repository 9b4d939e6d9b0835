"""A figure of a document compared with a number, or with another of its figures."""

# D documents, F of them for which a clause fails

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, final

import numpy as np

from nonplus.filtering.rules.clauses import Clause, Reads
from nonplus.filtering.rules.needs import Known
from nonplus.filtering.rules.scored import Bools, Ints, Scored
from nonplus.filtering.rules.values import Side, apart

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "<=": operator.le,
        "<": operator.lt,
        ">=": operator.ge,
        ">": operator.gt,
        "==": operator.eq,
        "!=": operator.ne,
    }
)
OPPOSITES = {"<=": ">", ">": "<=", "<": ">=", ">=": "<", "==": "!=", "!=": "=="}
MIRRORED = {"<=": ">=", ">=": "<=", "<": ">", ">": "<", "==": "==", "!=": "!="}


@final
@dataclass(frozen=True, slots=True)
class Comparison:
    """``value operator bound``, as in ``bits_per_byte <= 1.9``."""

    value: Side
    operator: str
    bound: Side

    @property
    def reads(self) -> Reads:
        """What both sides read."""
        return Reads.all_of([self.value.reads, self.bound.reads])

    def holds(self, scored: Scored, known: Known) -> Bools:
        """Whether both sides exist and compare so."""
        value, bound = self.value.of(scored, known), self.bound.of(scored, known)
        there = ~(np.isnan(value) | np.isnan(bound))  # NaN != NaN is true, and must not be
        return there & np.asarray(OPERATORS[self.operator](value, bound), np.bool_)

    def opposite(self) -> Clause:
        """The comparison that is true of all other pairs of numbers."""
        return Comparison(self.value, OPPOSITES[self.operator], self.bound)

    def reasons(self, scored: Scored, known: Known, places: Ints) -> list[str]:
        """Such as ``bits_per_byte 2.31 > 1.9 (p60)``."""
        values = self.value.of(scored, known)[places].tolist()
        bounds = self.bound.of(scored, known)[places].tolist()
        origins = self.bound.origins(scored, places)
        return [self._reason(*each) for each in zip(values, bounds, origins, strict=True)]

    def _reason(self, value: float, bound: float, origin: str) -> str:
        if value != value:
            return f"no {self.value}"
        if bound != bound:
            return f"nothing to compare {self.value} with{origin}"
        left, right = apart(value, bound)
        return f"{self.value} {left} {OPPOSITES[self.operator]} {right}{origin}"

    def __str__(self) -> str:
        return f"{self.value} {self.operator} {self.bound}"
