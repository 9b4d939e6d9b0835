"""Documents that are drawn, with a probability for each."""

# D documents, F of them for which a clause fails

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from nonplus.filtering.rules.chances import Chance
from nonplus.filtering.rules.clauses import Clause, Reads
from nonplus.filtering.rules.draws import draws
from nonplus.filtering.rules.needs import Known
from nonplus.filtering.rules.scored import Bools, Ints, Scored


@final
@dataclass(frozen=True, slots=True)
class Sampled:
    """The documents whose draw is below their chance; ``left``: the others instead.

    The draw is a keyed hash of the record's key, so a record is drawn or not wherever
    it is read. One seed gives one draw: a greater chance keeps the same documents and
    some more.
    """

    chance: Chance
    seed: int = 0
    left: bool = False

    @property
    def reads(self) -> Reads:
        """What the chance reads, and the keys."""
        return Reads.all_of([self.chance.reads, Reads(draws=True)])

    def holds(self, scored: Scored, known: Known) -> Bools:
        """Whether the document is drawn."""
        chance = self.chance.of(scored, known)
        drawn = draws(scored.keys, self.seed) < chance
        return ~np.isnan(chance) & np.not_equal(drawn, self.left)

    def opposite(self) -> Clause:
        """The documents that are not drawn."""
        return replace(self, left=not self.left)

    def reasons(self, scored: Scored, known: Known, places: Ints) -> list[str]:
        """Such as ``not drawn by sample(0.1), probability 0.1``."""
        chances = self.chance.of(scored, known)[places].tolist()
        drawn = "drawn" if self.left else "not drawn"
        return [
            f"no figure for {self._words}"
            if each != each
            else f"{drawn} by {self._words}, probability {min(each, 1):.3g}"
            for each in chances
        ]

    @property
    def _words(self) -> str:
        return self.chance.written(f", seed={self.seed}" if self.seed else "")

    def __str__(self) -> str:
        return f"{'not ' * self.left}{self._words}"
