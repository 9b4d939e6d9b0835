"""How far a filter is, for whoever watches it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import final

from nonplus.corpora.records import RecordFile, expected_units
from nonplus.filtering.units.accounts import Accounts
from nonplus.jobs.tasks import Shard


@final
class FilterMeter:
    """What a run does now, and what became of the records of the units that it has
    finished.
    """

    def __init__(self) -> None:
        """One that nothing has moved yet."""
        self.begin("")

    def begin(self, stage: str) -> None:
        """Count from nothing: another part of the run begins."""
        self.stage, self.expected, self.units = stage, 0.0, 0
        self._counts: Counter[str] = Counter()

    def expect(self, files: Iterable[RecordFile], *, unit: int, done: int, part: Shard) -> None:
        """Estimate how many units are ahead: those of ``unit`` bytes of a ``part`` of
        the files, without those that are ``done``; 0 if that cannot be told.
        """
        each = [expected_units(file, unit) for file in files]
        self.expected = max(1.0, (sum(each) - done) / part.of) if all(each) else 0.0

    def add(self, counts: Mapping[str, int]) -> None:
        """Count a finished unit in."""
        self.units += 1
        self._counts.update(counts)

    @property
    def accounts(self) -> Accounts:
        """All that is counted."""
        return Accounts(self._counts)
