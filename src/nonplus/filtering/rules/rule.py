"""A rule: the clauses that every kept document satisfies."""

# D documents

from dataclasses import dataclass, field
from typing import final

import numpy as np

from nonplus.filtering.rules.clauses import Clause, Known
from nonplus.filtering.rules.decision import KEPT, NO_TEXT, Decision
from nonplus.filtering.rules.joined import Every
from nonplus.filtering.rules.scored import Ints, Scored


@final
@dataclass(frozen=True, slots=True)
class Rule:
    """Which documents are kept: those with text for which every clause holds.

    ``known`` has what the rule asks of all scores, as far as that was found out.
    """

    clauses: tuple[Clause, ...]
    known: Known = field(default_factory=dict)

    @property
    def figures(self) -> frozenset[str]:
        """The figures that it reads; ``tokens`` tells whether there are any."""
        return Every(self.clauses).names | {"tokens"}

    @property
    def models(self) -> frozenset[str]:
        """The names of the models beside the first whose figures it reads."""
        return frozenset(name.partition(".")[2] for name in self.figures if "." in name)

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes of records that it reads."""
        return Every(self.clauses).attributes

    @property
    def local(self) -> bool:
        """Whether a document is decided by its own columns."""
        return True

    def decide(self, scored: Scored) -> Decision:
        """Which of the documents are kept.

        Raises:
            BadProtocol: a figure or attribute that the rule reads is missing.
        """
        textless = scored.figure("tokens") == 0
        failing = Every(self.clauses).failing(scored, self.known)
        cause = np.where(textless, 1, (failing + 2) % (len(self.clauses) + 2))
        causes = (KEPT, NO_TEXT, *(str(each.opposite()) for each in self.clauses))
        return Decision(keep=cause == 0, cause=cause, causes=causes, reasons=lambda: self._reasons(scored, cause))

    def _reasons(self, scored: Scored, cause: Ints) -> list[str]:
        reasons = [NO_TEXT if each == 1 else KEPT for each in cause.tolist()]
        for number, clause in enumerate(self.clauses, 2):
            places = np.flatnonzero(cause == number)
            for place, reason in zip(places.tolist(), clause.reasons(scored, self.known, places), strict=True):
                reasons[place] = reason
        return reasons

    def __str__(self) -> str:
        return str(Every(self.clauses))
