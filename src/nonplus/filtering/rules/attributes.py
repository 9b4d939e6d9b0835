"""What a record says of itself compared with words: its language, say."""

# D documents, F of them for which a clause fails

from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.filtering.rules.clauses import Clause, Reads
from nonplus.filtering.rules.needs import Known
from nonplus.filtering.rules.scored import Bools, Ints, Scored


@final
@dataclass(frozen=True, slots=True)
class OneOf:
    """An attribute that is one of some words, or with ``none`` is none of them."""

    attribute: str
    words: tuple[str, ...]
    none: bool = False

    @property
    def reads(self) -> Reads:
        """The attribute."""
        return Reads(attributes=frozenset([self.attribute]))

    def holds(self, scored: Scored, known: Known) -> Bools:
        """Whether the record says it, and says so."""
        words = frozenset(self.words)
        said = scored.attribute(self.attribute)
        return np.array([each is not None and (each in words) != self.none for each in said], np.bool_)

    def opposite(self) -> Clause:
        """True of the records that say something else."""
        return OneOf(self.attribute, self.words, not self.none)

    def reasons(self, scored: Scored, known: Known, places: Ints) -> list[str]:
        """Such as ``language is fr``."""
        said = scored.attribute(self.attribute)
        found = (said[place] for place in places.tolist())
        return [f"no {self.attribute}" if each is None else f"{self.attribute} is {each}" for each in found]

    def __str__(self) -> str:
        if len(self.words) == 1:
            return f"{self.attribute} {'!=' if self.none else '=='} {quoted(self.words[0])}"
        return f"{self.attribute} {'not in' if self.none else 'in'} ({', '.join(map(quoted, self.words))})"


def quoted(text: str) -> str:
    """As a rule spells it; no text of a rule holds both kinds of quotes."""
    return f"'{text}'" if '"' in text else f'"{text}"'
