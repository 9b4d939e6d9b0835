"""What a rule has to know of all scores before it can decide about one document."""

# D documents, C of them that are counted

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, final

from nonplus.filtering.rules.scored import Floats, Ints, Scored

Group: TypeAlias = tuple[str, ...]  # empty where the documents are not grouped
Marks: TypeAlias = Mapping[Group, tuple[float, ...]]
Known: TypeAlias = Mapping[str, Marks]  # by the name of the need


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counted:
    """C documents in an order, with weights.

    ``groups`` has the group of each by its place in ``names``. The order is that of
    ``values``, then of ``draws()``, which are computed only if they decide.
    """

    groups: Ints
    names: Sequence[Group]
    values: Floats
    weights: Ints
    draws: Callable[[], Floats]


class Need(Protocol):
    """A mark to be found in each group: the first document, in an order, with which
    the running sum of weights reaches a target.
    """

    @property
    def name(self) -> str:
        """What it is called in messages and files; two needs of one name are equal."""

    @property
    def files(self) -> tuple[str, ...]:
        """The files whose documents are counted; none: those of the corpus."""

    @property
    def before(self) -> frozenset["Need"]:
        """The needs that must be known before documents can be counted."""

    @property
    def by_value(self) -> bool:
        """Whether a mark is a value alone: documents of one value are on one side."""

    def counted(self, scored: Scored, known: Known) -> Counted:
        """The documents that count."""

    def targets(self, totals: Mapping[Group, int]) -> Mapping[Group, int]:
        """The sum that is to be reached in each group, of these sums of all weights."""
