"""How far a filter is, for whoever watches it in another thread."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from nonplus.corpora.records import RecordFile, expected_units
from nonplus.errors import NonplusError
from nonplus.filtering.units.accounts import Accounts
from nonplus.jobs.at_once import at_once
from nonplus.jobs.ledger import Ledger
from nonplus.jobs.tasks import Task


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What ``tasks`` have before them: units of ``files`` of so many bytes, without
    those that a ledger has.
    """

    files: Sequence[RecordFile]
    sizes: Sequence[int]
    tasks: Sequence[Task]
    ledger: Ledger

    def with_those(self, made: int) -> float:
        """About how many that are, with so many that are ``made`` since; 0 if it cannot
        be told.
        """
        try:
            each = expected_units(self.files, self.sizes)
            finished = sum(at_once(self._finished, self.tasks))
        except NonplusError:
            return 0.0  # whoever reads that file will say what is wrong with it
        whole = sum(each[task.file] / task.stripes for task in self.tasks)
        return max(1.0, whole - finished + made) if all(each) else 0.0

    def _finished(self, task: Task) -> int:
        return sum(map(task.takes, self.ledger.done(task.file)))


@final
class FilterMeter:
    """What a run does now and since when, in seconds of ``time.perf_counter``, and what
    became of the records of the units that it has finished.
    """

    def __init__(self) -> None:
        """One that nothing has moved yet."""
        self.begin("")

    def begin(self, stage: str) -> None:
        """Count from nothing: another part of the run begins."""
        self.stage, self.begun, self.units = stage, time.perf_counter(), 0
        self._ahead: Ahead | None = None  # until somebody asks
        self._expected = 0.0
        self._counts: Counter[str] = Counter()

    def expect(self, ahead: Ahead) -> None:
        """Note what this part of the run has before it, at which nobody looks yet."""
        self._ahead = ahead

    @property
    def expected(self) -> float:
        """About how many units this part of the run will have made at its end; 0 if
        that cannot be told.

        Whoever asks first takes a look at some of the files.
        """
        ahead = self._ahead
        if ahead is not None:
            expected = ahead.with_those(self.units)
            if self._ahead is ahead:  # and no other part has begun meanwhile
                self._expected, self._ahead = expected, None
        return self._expected

    def add(self, counts: Mapping[str, int]) -> None:
        """Count a finished unit in."""
        self.units += 1
        self._counts.update(counts)

    @property
    def accounts(self) -> Accounts:
        """All that is counted."""
        return Accounts(dict(self._counts))
