"""The best documents up to a number of tokens, bytes or documents."""

# D documents, C of them that are counted, F of them for which a clause fails

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from nonplus.filtering.rules.clauses import Clause, Reads
from nonplus.filtering.rules.draws import draws
from nonplus.filtering.rules.groups import TOGETHER, By
from nonplus.filtering.rules.joined import Every
from nonplus.filtering.rules.needs import Counted, Group, Known, Need
from nonplus.filtering.rules.scored import Bools, Floats, Ints, Scored
from nonplus.filtering.rules.values import Figure, Side

UNITS = ("tokens", "bytes", "documents")
_LOWEST = Figure("bits_per_byte")


@final
@dataclass(frozen=True, slots=True)
class Best:
    """The documents with the lowest value, as many as fit into an ``amount``.

    They are taken in the order of the value, those of one value in that of their draw,
    until the next would exceed the amount. It counts what the clauses ``among`` leave.
    Each group has its part of the amount, in proportion to what it holds. ``beyond``:
    the others instead.
    """

    amount: int
    unit: str
    value: Side = _LOWEST
    by: By = TOGETHER
    among: tuple[Clause, ...] = ()
    beyond: bool = False
    files = ()
    by_value = False

    @property
    def name(self) -> str:
        """Such as ``best 5_000_000_000 tokens by language``."""
        rest = f" where {Every(self.among)}" if self.among else ""
        return f"{self._words}{rest}"

    @property
    def reads(self) -> Reads:
        """The value, the groups, the keys, and itself."""
        unit = frozenset({self.unit} - {"documents"})
        own = Reads(figures=unit, draws=True, needs=frozenset([replace(self, beyond=False)]))
        return Reads.all_of([self.value.reads, self.by.reads, own])

    @property
    def before(self) -> frozenset[Need]:
        """What the clauses ``among`` need."""
        return Every(self.among).reads.needs

    def holds(self, scored: Scored, known: Known) -> Bools:
        """Whether a document comes before the first that does not fit."""
        values = self.value.of(scored, known)
        mark, draw = self.by.looked_up(scored, known[self.name], 2).T
        inside: Bools = values < mark
        if (even := values == mark).any():
            inside |= even & (draws(scored.keys) < draw)
        if self.beyond:
            inside = ~(inside | np.isnan(values) | np.isnan(mark))
        return inside

    def opposite(self) -> Clause:
        """The documents that do not fit."""
        return replace(self, beyond=not self.beyond)

    def reasons(self, scored: Scored, known: Known, places: Ints) -> list[str]:
        """Such as ``bits_per_byte 2.31 is beyond the best 5_000_000_000 tokens``."""
        values = self.value.of(scored, known)[places].tolist()
        marks = self.by.looked_up(scored, known[self.name], 2)[places, 0].tolist()
        groups = self.by.named(scored, places)
        return [self._reason(*each) for each in zip(values, marks, groups, strict=True)]

    def _reason(self, value: float, mark: float, group: str) -> str:
        if value != value:
            return f"no {self.value}"
        if mark != mark:
            return f"no {self._words}{group}"
        return f"{self.value} {value:.4g} is {'among' if self.beyond else 'beyond'} the {self._words}"

    def counting(self, among: tuple[Clause, ...]) -> "Best":
        """The same, of the documents for which these clauses hold."""
        return replace(self, among=among)

    def counted(self, scored: Scored, known: Known) -> Counted:
        """The documents with text and a value for which the other clauses hold."""
        values = self.value.of(scored, known)
        groups, names, there = self.by.groups(scored)
        there &= (scored.figure("tokens") > 0) & ~np.isnan(values) & Every(self.among).holds(scored, known)
        at = np.flatnonzero(there)
        return Counted(
            groups=groups[at],
            names=names,
            values=values[at],
            weights=self._weights(scored)[at],
            draws=lambda: self._draws(scored)[at],
        )

    def _weights(self, scored: Scored) -> Ints:
        if self.unit == "documents":
            return np.ones(len(scored), np.int64)
        return scored.figure(self.unit).astype(np.int64)

    def _draws(self, scored: Scored) -> Floats:
        return draws(scored.keys)

    def targets(self, totals: Mapping[Group, int]) -> Mapping[Group, int]:
        """One more than each group's part: the first sum that is too much."""
        whole = max(1, sum(totals.values()))
        return {group: self.amount * total // whole + 1 for group, total in totals.items()}

    @property
    def _words(self) -> str:
        of = f" of {self.value}" if self.value != _LOWEST else ""
        return f"best {self.amount:_} {self.unit}{of}{self.by}"

    def __str__(self) -> str:
        return f"{'not ' * self.beyond}{self._words}"
