"""Quantiles: the smallest figure that a given percentage of documents do not exceed."""

# D documents, C of them that are counted, F of them for which a clause fails

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import final

import numpy as np

from nonplus.filtering.rules.attributes import quoted
from nonplus.filtering.rules.clauses import Reads
from nonplus.filtering.rules.groups import TOGETHER, By
from nonplus.filtering.rules.needs import Counted, Group, Known, Need
from nonplus.filtering.rules.scored import Floats, Ints, Scored
from nonplus.filtering.rules.values import Side


@final
@dataclass(frozen=True, slots=True)
class Quantile:
    """The smallest value such that at least ``percent`` of the documents with text have
    one that is not greater: always the value of a document, never one in between.

    The documents are those of ``files``, or of the corpus if there are none, in each
    group of ``by``.
    """

    value: Side
    percent: str
    files: tuple[str, ...] = ()
    by: By = TOGETHER
    judged = False
    by_value = True
    before = frozenset[Need]()

    @property
    def name(self) -> str:
        """Such as ``p60 of bits_per_byte by language``."""
        return f"p{self.percent} of {self.value}{' in ' * bool(self.files)}{self._files}{self.by}"

    @property
    def reads(self) -> Reads:
        """The figure, the groups, and itself."""
        return Reads.all_of([self.value.reads, self.by.reads, Reads(needs=frozenset([self]))])

    def of(self, scored: Scored, known: Known) -> Floats:
        """That of each document's group."""
        return self.by.looked_up(scored, known[self.name], 1)[:, 0]

    def origins(self, scored: Scored, places: Ints) -> list[str]:
        """Such as `` (p60 of en)``."""
        files = f" of {self._files}" if self.files else ""
        return [f" (p{self.percent}{files}{group})" for group in self.by.named(scored, places)]

    def counted(self, scored: Scored, known: Known) -> Counted:
        """The documents with text and a value, each once."""
        values = self.value.of(scored, known)
        groups, names, there = self.by.groups(scored)
        at = np.flatnonzero(there & (scored.figure("tokens") > 0) & ~np.isnan(values))
        return Counted(
            groups=groups[at],
            names=names,
            values=values[at],
            weights=np.ones(len(at), np.int64),
            draws=lambda: np.zeros(len(at)),
        )

    def targets(self, totals: Mapping[Group, int]) -> Mapping[Group, int]:
        """The rank: a whole number, so that no rounding decides."""
        share = Fraction(self.percent) / 100
        return {group: max(1, ceil(share * total)) for group, total in totals.items()}

    @property
    def _files(self) -> str:
        return ", ".join(map(quoted, self.files))

    def __str__(self) -> str:
        return f"p{self.percent}{' of ' * bool(self.files)}{self._files}{self.by}"
