"""Why records were dropped or rejected, how often, and where one of each stands."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np

from nonplus.errors import BadInput
from nonplus.filtering.rules.decision import Decision
from nonplus.measure.records import Ints


@final
@dataclass(frozen=True, slots=True)
class Cause:
    """Why so many records are not kept, and the first of them: its place, and what is
    said of it.
    """

    reason: str
    records: int
    place: str
    example: str


@final
class Causes:
    """Records by what they have in common, the first of each in the order they come."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._firsts: dict[str, tuple[str, str]] = {}

    def decided(self, file: str, places_D: Ints, decision: Decision) -> None:
        """Add the records of a unit that a rule has dropped."""
        new = [cause for cause in np.unique(decision.cause).tolist() if decision.causes[cause] not in self._counts]
        reasons = decision.reasons() if any(decision.causes[cause] for cause in new) else []
        for cause, reason in enumerate(decision.causes):
            own = np.flatnonzero(decision.cause == cause)
            if reason and len(own):
                if cause in new:
                    self._firsts[reason] = (f"{file}:{places_D[own[0]]}", reasons[own[0]])
                self._counts[reason] = self._counts.get(reason, 0) + len(own)

    def rejected(self, row: Mapping[str, Any]) -> None:
        """Add a record that could not be read."""
        reason = row["reason"]
        self._counts[reason] = self._counts.get(reason, 0) + 1
        self._firsts.setdefault(reason, (f"{row['file']}:{row['place']}", row["raw"]))

    def all(self) -> tuple[Cause, ...]:
        """The most frequent one first."""
        order = sorted(self._counts, key=lambda reason: (-self._counts[reason], reason))
        return tuple(Cause(reason, self._counts[reason], *self._firsts[reason]) for reason in order)


def rejections(content: bytes, name: str) -> Iterator[Mapping[str, Any]]:
    """The rows of a file of rejected records.

    Raises:
        BadInput: it is damaged.
    """
    for line in content.splitlines():
        try:
            row = json.loads(line)
            yield {key: row[key] for key in ("file", "place", "reason", "raw")}
        except (ValueError, KeyError, TypeError):
            raise BadInput(f"{name} is damaged; remove its unit's marker and run again") from None


def as_dicts(causes: Sequence[Cause]) -> list[dict[str, Any]]:
    """Causes for JSON."""
    return [asdict(cause) for cause in causes]
