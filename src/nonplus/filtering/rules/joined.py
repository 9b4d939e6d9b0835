"""Clauses joined by ``and`` and ``or``."""

# D documents, F of them for which a clause fails

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.filtering.rules.clauses import Clause, Reads
from nonplus.filtering.rules.needs import Known
from nonplus.filtering.rules.scored import Bools, Ints, Scored


@final
@dataclass(frozen=True, slots=True)
class Every:
    """Clauses that must all hold."""

    clauses: tuple[Clause, ...]

    @property
    def reads(self) -> Reads:
        """What all clauses read."""
        return Reads.all_of(each.reads for each in self.clauses)

    def holds(self, scored: Scored, known: Known) -> Bools:
        """Whether no clause fails."""
        return np.equal(self.failing(scored, known), len(self.clauses))

    def failing(self, scored: Scored, known: Known) -> Ints:
        """The first clause that fails, for each document (D,); their number where none
        does.
        """
        first = np.full(len(scored), len(self.clauses))
        for place in reversed(range(len(self.clauses))):
            first[~self.clauses[place].holds(scored, known)] = place
        return first

    def opposite(self) -> Clause:
        """At least one fails."""
        return either(each.opposite() for each in self.clauses)

    def reasons(self, scored: Scored, known: Known, places: Ints) -> list[str]:
        """That of the first clause that fails."""
        first, reasons = self.failing(scored, known)[places], [""] * len(places)
        for number, clause in enumerate(self.clauses):
            at = np.flatnonzero(first == number)
            for place, reason in zip(at.tolist(), clause.reasons(scored, known, places[at]), strict=True):
                reasons[place] = reason
        return reasons

    def __str__(self) -> str:
        if len(self.clauses) == 1:
            return str(self.clauses[0])
        return " and ".join(f"({each})" if isinstance(each, Either) else str(each) for each in self.clauses)


@final
@dataclass(frozen=True, slots=True)
class Either:
    """Clauses of which one at least must hold."""

    clauses: tuple[Clause, ...]

    @property
    def reads(self) -> Reads:
        """What all clauses read."""
        return Reads.all_of(each.reads for each in self.clauses)

    def holds(self, scored: Scored, known: Known) -> Bools:
        """Whether any clause holds."""
        holds = np.zeros(len(scored), np.bool_)
        for each in self.clauses:
            holds |= each.holds(scored, known)
        return holds

    def opposite(self) -> Clause:
        """All fail."""
        return every(each.opposite() for each in self.clauses)

    def reasons(self, scored: Scored, known: Known, places: Ints) -> list[str]:
        """Those of all clauses."""
        each = [clause.reasons(scored, known, places) for clause in self.clauses]
        return ["; ".join(dict.fromkeys(reasons)) for reasons in zip(*each, strict=True)]

    def __str__(self) -> str:
        return " or ".join(map(str, self.clauses))


def every(clauses: Iterable[Clause]) -> Clause:
    """All of them as one, of which none is an :class:`Every` itself."""
    flat = tuple(part for each in clauses for part in (each.clauses if isinstance(each, Every) else (each,)))
    return flat[0] if len(flat) == 1 else Every(flat)


def either(clauses: Iterable[Clause]) -> Clause:
    """One of them as one, of which none is an :class:`Either` itself."""
    flat = tuple(part for each in clauses for part in (each.clauses if isinstance(each, Either) else (each,)))
    return flat[0] if len(flat) == 1 else Either(flat)
