"""Rows that could not be read: what, where and why."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A row that could not be read: its place, the reason, and the row as text."""

    place: str
    reason: str
    row: str


@final
class Rejects:
    """Counts rejected rows, and passes each on: to ``list.append``, for example."""

    def __init__(self, sink: Callable[[Rejected], object] | None = None) -> None:
        self.first = ""
        self.count = 0
        self._sink = sink

    def restart(self) -> None:
        """Count from 0 again: a new pass begins."""
        self.first, self.count = "", 0

    def add(self, rejected: Rejected) -> None:
        """Count one."""
        self.first = self.first or rejected.reason
        self.count += 1
        if self._sink:
            self._sink(rejected)
