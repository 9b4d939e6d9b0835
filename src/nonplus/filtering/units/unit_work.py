"""The work of one unit: read, score, cut, and commit all that comes of it at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

from nonplus.corpora.records import Batch, RecordFile
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.units.accounts import Accounts
from nonplus.filtering.units.cutting import Cut, CutUnit
from nonplus.filtering.units.sources import ScoreSource
from nonplus.jobs.ledger import Ledger, Unit
from nonplus.jobs.plan import check_begun_here
from nonplus.jobs.stores import open_store
from nonplus.jobs.tasks import Task


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class UnitJob:
    """What a worker needs to do the units of a job at ``place``; it travels by pickle.

    Without a ``cut`` the records are only scored.
    """

    files: tuple[RecordFile, ...]
    place: str
    scores: ScoreSource
    cut: Cut | None = None

    def __call__(self) -> "UnitWork":
        """The work, in the process that does it."""
        return UnitWork(self)


@final
class UnitWork:
    """The units of one task after the other, with one model for all."""

    def __init__(self, job: UnitJob) -> None:
        self._job = job
        store = open_store(job.place)
        check_begun_here(store)
        self._ledger = Ledger(store)
        self._scores = job.scores.opened()

    def __call__(self, task: Task) -> Iterator[Mapping[str, int]]:
        """The counts of each unit that it finishes."""
        done = {unit.number for unit in self._ledger.done() if unit.file == task.file}
        units = self._ledger.units(task.file)
        if units is not None and done.issuperset(number for number in range(units) if task.takes(number)):
            return
        file, read = self._job.files[task.file], 0

        def takes(number: int) -> bool:
            nonlocal read
            read = max(read, number + 1)
            return task.takes(number) and number not in done

        for batch in file.units(takes):
            yield self._finished(Unit(task.file, batch.number), file, batch)
        self._ledger.end(task.file, read)

    def _finished(self, unit: Unit, file: RecordFile, batch: Batch) -> Mapping[str, int]:
        scored = self._scores.of(unit, batch)
        files, accounts = self._cut(unit, file, batch, scored)
        files |= self._scores.files(unit, batch, scored)
        self._ledger.commit(unit, files, counts=accounts.counts)
        return accounts.counts

    def _cut(self, unit: Unit, file: RecordFile, batch: Batch, scored: Scored) -> CutUnit:
        if self._job.cut is None:
            return CutUnit({}, Accounts.of_scored(scored, batch.rejected))
        return self._job.cut.of(unit, file, batch, scored)
