"""What a part of a rule does: tell whether it holds for a document, or why not."""

# D documents, F of them for which a clause fails

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, final

from nonplus.filtering.rules.needs import Known, Need
from nonplus.filtering.rules.scored import Bools, Ints, Scored


class Buckets(Protocol):
    """What gives each document a bucket."""

    def buckets(self, scored: Scored, known: Known) -> Sequence[str | None]:
        """The name of each document's bucket (D,)."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """What a part of a rule reads: figures and attributes of each document, marks in
    all scores, tables of cutoffs, and, if it ``draws``, the keys of the records; and
    what it ``cuts`` into buckets by.
    """

    figures: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    needs: frozenset[Need] = frozenset()
    tables: frozenset[str] = frozenset()
    cuts: frozenset["Buckets"] = frozenset()
    draws: bool = False

    @classmethod
    def all_of(cls, each: Iterable["Reads"]) -> Self:
        """What several parts read together."""
        parts = list(each)
        return cls(
            figures=frozenset().union(*(part.figures for part in parts)),
            attributes=frozenset().union(*(part.attributes for part in parts)),
            needs=frozenset().union(*(part.needs for part in parts)),
            tables=frozenset().union(*(part.tables for part in parts)),
            cuts=frozenset().union(*(part.cuts for part in parts)),
            draws=any(part.draws for part in parts),
        )


class Clause(Protocol):
    """A part of a rule that holds for a document, or does not.

    What does not exist, such as the figures of an empty text, satisfies neither a
    clause nor its opposite.
    """

    @property
    def reads(self) -> Reads:
        """What it reads."""

    def holds(self, scored: Scored, known: Known) -> Bools:
        """Whether it is true (D,), by what is ``known`` of all scores."""

    def opposite(self) -> "Clause":
        """True where this is false, but not where there is nothing to judge by."""

    def reasons(self, scored: Scored, known: Known, places: Ints) -> list[str]:
        """Why it does not hold for the documents at these places (F,)."""
