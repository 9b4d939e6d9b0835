"""Head, middle and tail: documents by two cutoffs of their perplexity, as in cc_net."""

# D documents, F of them for which a clause fails

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from nonplus.filtering.rules.clauses import Clause, Reads
from nonplus.filtering.rules.cutoffs import Cutoff, Rounded, named
from nonplus.filtering.rules.groups import By
from nonplus.filtering.rules.needs import Known
from nonplus.filtering.rules.quantiles import Quantile
from nonplus.filtering.rules.scored import Bools, Ints, Scored
from nonplus.filtering.rules.tables import HEAD, TAIL
from nonplus.filtering.rules.values import Figure, Numbers

BUCKETS = ("head", "middle", "tail", "all")
_PLACES: tuple[str | None, ...] = (*BUCKETS, None)
_PERPLEXITY = Figure("perplexity")


@final
@dataclass(frozen=True, slots=True)
class Cuts:
    """What is below ``head`` is head, what is below ``tail`` is middle, and the rest is
    tail; where there are no cutoffs it is all.
    """

    value: Numbers
    head: Numbers
    tail: Numbers
    words: str = ""

    @classmethod
    def own(cls, by: By) -> "Cuts":
        """P30 and P60 of the corpus itself."""
        return cls(_PERPLEXITY, Quantile(_PERPLEXITY, HEAD, by=by), Quantile(_PERPLEXITY, TAIL, by=by), str(by))

    @classmethod
    def of_table(cls, source: str) -> "Cuts":
        """Those of a table by language: cc_net's, or that of a file."""
        return cls(Rounded(_PERPLEXITY), Cutoff(source, 0), Cutoff(source, 1), f" from {named(source)}")

    @property
    def reads(self) -> Reads:
        """The perplexity and the cutoffs."""
        return Reads.all_of([self.value.reads, self.head.reads, self.tail.reads])

    def places(self, scored: Scored, known: Known) -> Ints:
        """The bucket of each document (D,) as a place in ``BUCKETS``; 4 for none."""
        value, head, tail = (each.of(scored, known) for each in (self.value, self.head, self.tail))
        return np.select([np.isnan(value), np.isnan(head), value < head, value < tail], [4, 3, 0, 1], 2)

    def buckets(self, scored: Scored, known: Known) -> Sequence[str | None]:
        """The name of each document's bucket (D,); none where it has no perplexity."""
        return [_PLACES[each] for each in self.places(scored, known).tolist()]

    def __str__(self) -> str:
        return f"bucket{self.words}"


@final
@dataclass(frozen=True, slots=True)
class InBucket:
    """A document in one of some buckets, or with ``none`` in none of them."""

    words: tuple[str, ...]
    cuts: Cuts
    none: bool = False

    @property
    def reads(self) -> Reads:
        """What the cuts read, and the cuts."""
        return Reads.all_of([self.cuts.reads, Reads(cuts=frozenset([self.cuts]))])

    def holds(self, scored: Scored, known: Known) -> Bools:
        """Whether it has a bucket, and such a one."""
        places = self.cuts.places(scored, known)
        inside = np.isin(places, [BUCKETS.index(each) for each in self.words])
        return (places < len(BUCKETS)) & np.not_equal(inside, self.none)

    def opposite(self) -> Clause:
        """True of the other buckets."""
        return replace(self, none=not self.none)

    def reasons(self, scored: Scored, known: Known, places: Ints) -> list[str]:
        """Such as ``bucket is tail``."""
        buckets = self.cuts.buckets(scored, known)
        found = (buckets[place] for place in places.tolist())
        return ["no perplexity" if each is None else f"bucket is {each}" for each in found]

    def __str__(self) -> str:
        words = self.words[0] if len(self.words) == 1 else f"({', '.join(self.words)})"
        sign = ("!=" if self.none else "==") if len(self.words) == 1 else ("not in" if self.none else "in")
        return f"bucket {sign} {words}{self.cuts.words}"
