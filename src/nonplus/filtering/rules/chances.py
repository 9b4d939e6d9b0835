"""With what probability a document is kept: evenly, or by one of its figures."""

# D documents

import math
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np

from nonplus.filtering.rules.clauses import Reads
from nonplus.filtering.rules.groups import TOGETHER, By
from nonplus.filtering.rules.needs import Known
from nonplus.filtering.rules.quantiles import Quantile
from nonplus.filtering.rules.scored import Floats, Scored
from nonplus.filtering.rules.values import Number, Numbers, Side, shown
from nonplus.measure.statistics.fixed_point import exps

_LN2 = math.log(2)


class Chance(Numbers, Protocol):
    """A probability for each document; 1 or more is certain."""

    def written(self, more: str) -> str:
        """As a rule spells it, with ``more`` behind its arguments."""


@final
@dataclass(frozen=True, slots=True)
class Even:
    """The same for each document."""

    share: float
    reads = Reads()

    def of(self, scored: Scored, known: Known) -> Floats:
        """The share."""
        return np.full(len(scored), self.share)

    def written(self, more: str) -> str:
        """Such as ``sample(0.1)``."""
        return f"sample({shown(self.share)}{more})"


@final
@dataclass(frozen=True, slots=True)
class Gaussian:
    """``factor * exp(-((x - m) / m)**2 / width)``, with m the median: most around it.

    The median is that of the corpus, in each group, unless it is given. From BERTIN (de
    la Rosa and others, 2022), whose values for Spanish are the defaults.
    """

    value: Side
    factor: float = 0.78
    width: float = 4.5
    median: float | None = None
    by: By = TOGETHER

    @property
    def _median(self) -> Numbers:
        if self.median is not None:
            return Number(self.median)
        return Quantile(self.value, "50", by=self.by)

    @property
    def reads(self) -> Reads:
        """The value and the median."""
        return Reads.all_of([self.value.reads, self._median.reads])

    def of(self, scored: Scored, known: Known) -> Floats:
        """The bell over each document's value."""
        value, median = self.value.of(scored, known), self._median.of(scored, known)
        with np.errstate(all="ignore"):  # a median of 0 is infinitely far from the others
            offset = np.where(value == median, 0, (value - median) / median)
            chance: Floats = self.factor * exps(-(offset**2) / self.width)
        return chance

    def written(self, more: str) -> str:
        """Such as ``gaussian(perplexity, factor=0.78, width=4.5)``."""
        median = f", median={shown(self.median)}" if self.median is not None else ""
        options = f"factor={shown(self.factor)}, width={shown(self.width)}{median}"
        return f"gaussian({self.value}, {options}{more}){self.by}"


@final
@dataclass(frozen=True, slots=True)
class Stepwise:
    """``factor`` divided by the width of the quarter that a document's value lies in:
    most where documents are dense. The first quarter begins at 0, the last is as wide
    as 10 times its beginning.

    The quartiles are those of the corpus, in each group, unless they are given. From
    BERTIN (de la Rosa and others, 2022).
    """

    value: Side
    factor: float
    quartiles: tuple[float, float, float] | None = None
    by: By = TOGETHER

    @property
    def _quartiles(self) -> list[Numbers]:
        if self.quartiles:
            return [Number(each) for each in self.quartiles]
        return [Quantile(self.value, each, by=self.by) for each in ("25", "50", "75")]

    @property
    def reads(self) -> Reads:
        """The value and the quartiles."""
        return Reads.all_of([self.value.reads, *(each.reads for each in self._quartiles)])

    def of(self, scored: Scored, known: Known) -> Floats:
        """The step at each document's value."""
        value = self.value.of(scored, known)
        one, two, three = (each.of(scored, known) for each in self._quartiles)
        with np.errstate(all="ignore"):  # a quarter without width is certain
            width = np.select([value <= one, value <= two, value <= three], [one, two - one, three - two], 10 * three)
            chance = self.factor / width
        return np.where(np.isnan(value), np.nan, chance)

    def written(self, more: str) -> str:
        """Such as ``stepwise(perplexity, factor=100)``."""
        quartiles = f", quartiles=({', '.join(map(shown, self.quartiles))})" if self.quartiles else ""
        return f"stepwise({self.value}, factor={shown(self.factor)}{quartiles}{more}){self.by}"


@final
@dataclass(frozen=True, slots=True)
class Importance:
    """``factor * 2**(-power * x)``: with the difference in bits per byte of two models,
    how many times likelier a byte is under the first, to the ``power``.
    """

    value: Side
    factor: float = 1.0
    power: float = 1.0

    @property
    def reads(self) -> Reads:
        """The value."""
        return self.value.reads

    def of(self, scored: Scored, known: Known) -> Floats:
        """The weight of each document."""
        value = self.value.of(scored, known)
        with np.errstate(all="ignore"):  # what is infinite is certain
            weight: Floats = self.factor * exps(-self.power * value * _LN2)
        return weight

    def written(self, more: str) -> str:
        """Such as ``importance(good - bad, factor=0.5, power=2)``."""
        return f"importance({self.value}, factor={shown(self.factor)}, power={shown(self.power)}{more})"
