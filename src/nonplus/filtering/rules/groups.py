"""Documents grouped by language, source or length."""

# D documents, B bands

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.filtering.rules.clauses import Reads
from nonplus.filtering.rules.needs import Group, Marks
from nonplus.filtering.rules.scored import Bools, Floats, Ints, Scored

# Bands of length: each begins at four times the bytes of the one before.
_STARTS_B = np.array([0, 256, 1024, 4096, 16384, 65536])
BANDS = ("<256", "256-1023", "1024-4095", "4096-16383", "16384-65535", ">=65536")


def _band(scored: Scored) -> list[str]:
    return [BANDS[each] for each in (np.searchsorted(_STARTS_B, scored.figure("bytes"), side="right") - 1).tolist()]


GROUPINGS: Mapping[str, Callable[[Scored], Sequence[str | None]]] = {
    "language": lambda scored: scored.attribute("language"),
    "source": lambda scored: scored.attribute("source"),
    "length": _band,
}


@final
@dataclass(frozen=True, slots=True)
class By:
    """By what documents are grouped: by nothing, or by one or more of the groupings."""

    groupings: tuple[str, ...] = ()

    @property
    def reads(self) -> Reads:
        """The attributes of records, or for the length their bytes."""
        named = frozenset(self.groupings)
        return Reads(attributes=named - {"length"}, figures=frozenset({"bytes"} if "length" in named else ()))

    def groups(self, scored: Scored) -> tuple[Ints, list[Group], Bools]:
        """The group of each document (D,), as a place among the names that are met; the
        names; and which documents have a group (D,).
        """
        if not self.groupings:
            return np.zeros(len(scored), np.int64), [()], np.ones(len(scored), np.bool_)
        places: dict[tuple[str | None, ...], int] = {}
        columns = [GROUPINGS[each](scored) for each in self.groupings]
        codes = np.array([places.setdefault(each, len(places)) for each in zip(*columns, strict=True)], np.int64)
        there = np.array([None not in each for each in places], np.bool_)[codes]
        return codes, [tuple(part or "" for part in each) for each in places], there

    def looked_up(self, scored: Scored, marks: Marks, size: int) -> Floats:
        """The marks of each document's group (D, size), NaN where it has none."""
        codes, names, there = self.groups(scored)
        table = np.array([marks.get(each, (np.nan,) * size) for each in names], np.float64).reshape(-1, size)
        return np.where(there[:, None], table[codes], np.nan)

    def named(self, scored: Scored, places: Ints) -> list[str]:
        """How the group of each of some documents is called: ``" of en"``."""
        if not self.groupings:
            return [""] * len(places)
        columns = [GROUPINGS[each](scored) for each in self.groupings]
        return [
            " of " + ", ".join(said or f"no {grouping}" for grouping, said in zip(self.groupings, each, strict=True))
            for each in ([column[place] for column in columns] for place in places.tolist())
        ]

    def __str__(self) -> str:
        return f" by {', '.join(self.groupings)}" if self.groupings else ""


TOGETHER = By()
