"""What stands on the sides of a comparison: a document's own figures, and numbers."""

# D documents, F of them for which a clause fails

from dataclasses import dataclass
from typing import Protocol, final

import numpy as np

from nonplus.filtering.rules.clauses import Reads
from nonplus.filtering.rules.needs import Known
from nonplus.filtering.rules.scored import Floats, Ints, Scored


class Numbers(Protocol):
    """A number for each document."""

    @property
    def reads(self) -> Reads:
        """What it reads."""

    def of(self, scored: Scored, known: Known) -> Floats:
        """The number of each document (D,), NaN where there is none."""


class Side(Numbers, Protocol):
    """What stands on one side of a comparison."""

    @property
    def judged(self) -> bool:
        """Whether it tells of the document; if not, a figure is held against it."""

    def origins(self, scored: Scored, places: Ints) -> list[str]:
        """Where a number comes from that documents are held against (F,): `` (p60)``,
        or nothing if the rule says it.
        """


@final
@dataclass(frozen=True, slots=True)
class Figure:
    """A figure by its name: that of the model, or with ``.name`` of a second one."""

    name: str
    judged = True

    @property
    def reads(self) -> Reads:
        """Itself."""
        return Reads(figures=frozenset([self.name]))

    def of(self, scored: Scored, known: Known) -> Floats:
        """The figure of each document."""
        return scored.figure(self.name)

    def origins(self, scored: Scored, places: Ints) -> list[str]:
        """Its name."""
        return [f" ({self})"] * len(places)

    def __str__(self) -> str:
        return self.name


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """How far one figure is above another, such as that of a model of good text above
    that of a model of bad text (Moore and Lewis, 2010).
    """

    figure: Figure
    less: Figure
    judged = True

    @property
    def reads(self) -> Reads:
        """Both."""
        return Reads.all_of([self.figure.reads, self.less.reads])

    def of(self, scored: Scored, known: Known) -> Floats:
        """The difference for each document."""
        figure, less = self.figure.of(scored, known), self.less.of(scored, known)
        with np.errstate(invalid="ignore"):  # two that are infinite have no difference
            difference: Floats = figure - less
        return difference

    def origins(self, scored: Scored, places: Ints) -> list[str]:
        """What it is."""
        return [f" ({self})"] * len(places)

    def __str__(self) -> str:
        return f"{self.figure} - {self.less}"


@final
@dataclass(frozen=True, slots=True)
class Number:
    """A number that is written in the rule."""

    number: float
    judged = False
    reads = Reads()

    def of(self, scored: Scored, known: Known) -> Floats:
        """The same for each document."""
        return np.full(len(scored), self.number)

    def origins(self, scored: Scored, places: Ints) -> list[str]:
        """Nothing."""
        return [""] * len(places)

    def __str__(self) -> str:
        return shown(self.number)


def shown(number: float) -> str:
    """The shortest text that reads back as the same number."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def apart(one: float, other: float) -> tuple[str, str]:
    """Both in four digits, or in all if they look the same in four."""
    short = f"{one:.4g}", f"{other:.4g}"
    return short if one == other or short[0] != short[1] else (shown(one), shown(other))
