"""How far a filter is, for whoever watches it."""

from collections import Counter
from collections.abc import Mapping
from typing import final

from nonplus.filtering.accounts import Accounts


@final
class FilterMeter:
    """What a run does now, and what became of the records of the units that it has
    finished.
    """

    def __init__(self) -> None:
        """One that nothing has moved yet."""
        self.stage = ""
        self._counts: Counter[str] = Counter()

    def begin(self, stage: str) -> None:
        """Count from nothing: another part of the run begins."""
        self.stage = stage
        self._counts = Counter()

    def add(self, counts: Mapping[str, int]) -> None:
        """Count a finished unit in."""
        self._counts.update(counts)

    @property
    def accounts(self) -> Accounts:
        """All that is counted."""
        return Accounts(self._counts)
