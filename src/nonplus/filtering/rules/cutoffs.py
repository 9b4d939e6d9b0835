"""Cutoffs by language, and perplexities as they are held against them."""

# D documents

from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.filtering.rules.attributes import quoted
from nonplus.filtering.rules.clauses import Reads
from nonplus.filtering.rules.groups import By
from nonplus.filtering.rules.needs import Known
from nonplus.filtering.rules.scored import Floats, Scored
from nonplus.filtering.rules.tables import CCNET
from nonplus.filtering.rules.values import Numbers

_BY = By(("language",))


@final
@dataclass(frozen=True, slots=True)
class Rounded:
    """A figure in one decimal: as cc_net writes it, and then compares it."""

    value: Numbers

    @property
    def reads(self) -> Reads:
        """The figure."""
        return self.value.reads

    def of(self, scored: Scored, known: Known) -> Floats:
        """Python's own rounding, as there: NumPy's differs in the last bit."""
        return np.array([round(each, 1) for each in self.value.of(scored, known).tolist()], np.float64)


@final
@dataclass(frozen=True, slots=True)
class Cutoff:
    """One column of a table: at 0 the end of the head, at 1 that of the middle."""

    source: str
    column: int

    @property
    def reads(self) -> Reads:
        """The language, and the table."""
        return Reads.all_of([_BY.reads, Reads(tables=frozenset([self.source]))])

    def of(self, scored: Scored, known: Known) -> Floats:
        """That of each document's language."""
        return _BY.looked_up(scored, known[table_name(self.source)], 2)[:, self.column]


def named(source: str) -> str:
    """As a rule spells it."""
    return source if source == CCNET else quoted(source)


def table_name(source: str) -> str:
    """What its numbers are called among all that is known."""
    return f"cutoffs of {named(source)}"
