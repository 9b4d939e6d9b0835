"""What a part of a rule does: tell whether it holds for a document, or why not."""

# D documents, F of them for which a clause fails

from collections.abc import Mapping
from typing import Protocol, TypeAlias

from nonplus.filtering.rules.scored import Bools, Ints, Scored

Group: TypeAlias = tuple[str, ...]  # empty where the documents are not grouped
Known: TypeAlias = Mapping[str, Mapping[Group, tuple[float, ...]]]  # by what is asked of all scores


class Clause(Protocol):
    """A part of a rule that holds for a document, or does not.

    What does not exist, such as the figures of an empty text, satisfies neither a
    clause nor its opposite.
    """

    @property
    def names(self) -> frozenset[str]:
        """The figures that it reads."""

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes of records that it reads."""

    def holds(self, scored: Scored, known: Known) -> Bools:
        """Whether it is true (D,), by what is ``known`` of all scores."""

    def opposite(self) -> "Clause":
        """True where this is false, but not where there is nothing to judge by."""

    def reasons(self, scored: Scored, known: Known, places: Ints) -> list[str]:
        """Why it does not hold for the documents at these places (F,)."""
