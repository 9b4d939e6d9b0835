"""The work of one unit: read, score, cut, and commit all that comes of it at once."""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any, final

from nonplus.corpora.records import Batch, RecordFile
from nonplus.errors import BadInput
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.units.accounts import Accounts
from nonplus.filtering.units.cutting import Cut, CutUnit
from nonplus.filtering.units.sources import ScoreSource
from nonplus.jobs.ledger import Ledger, Unit
from nonplus.jobs.plan import check_begun_here
from nonplus.jobs.ray_gpus import Help
from nonplus.jobs.stores import open_store
from nonplus.jobs.tasks import Task

_CHANGED = "bring back the file as it was, or give another place for the output"


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

    @property
    def help(self) -> Help[Any, Any, "UnitJob"] | None:
        """What others may do for workers, if there is something."""
        help = self.scores.help
        return None if help is None else Help(help.make, lambda ask: replace(self, scores=help.asking(ask)))

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
        file, version = self._job.files[task.file], self._job.files[task.file].version()
        done = set(filter(task.takes, self._ledger.done(task.file)))
        if not self._ledger.is_as_before(task.file, version):
            self._compare(task.file, done)
        if self._ledger.closed(task, done):
            return
        left = _Counted(lambda number: task.takes(number) and number not in done)
        for batch in file.units(left):
            yield self._finished(Unit(task.file, batch.number), file, batch)
            done.add(batch.number)
        if file.version() != version:  # it was written to meanwhile
            self._compare(task.file, done)
        self._ledger.end(task.file, left.units)

    def _compare(self, number: int, done: Set[int]) -> None:
        """Check that the finished units of a file were made of what is in it now."""
        if not done:
            return
        file, these = self._job.files[number], _Counted(done.__contains__)
        digests = {batch.number: batch.digest() for batch in file.units(these)}
        if self._ledger.units(number) not in (None, these.units):
            raise BadInput(f"{file.name} has {these.units:,} units now, and had another number; {_CHANGED}")
        for each in sorted(done):
            if self._ledger.made_of(Unit(number, each)) != digests.get(each):
                raise BadInput(
                    f"{file.name} has changed since {self._job.place} was begun: unit {each:,} of it, which is "
                    f"finished, has other records now; {_CHANGED}"
                )

    def _finished(self, unit: Unit, file: RecordFile, batch: Batch) -> Mapping[str, int]:
        digest = batch.digest()
        self._scores.check(unit, file.name, digest)
        scored = self._scores.of(unit, batch)
        files, accounts = self._cut(unit, file, batch, scored)
        files |= self._scores.files(unit, batch, scored)
        accounts.check(f"unit {unit.number:,} of {file.name}")
        self._ledger.commit(unit, files, counts=accounts.counts, made_of=digest)
        return accounts.counts

    def _cut(self, unit: Unit, file: RecordFile, batch: Batch, scored: Scored) -> CutUnit:
        if self._job.cut is None:
            return CutUnit({}, Accounts.of_scored(batch.records, scored, batch.rejected))
        return self._job.cut.of(unit, file, batch, scored)


@final
class _Counted:
    """Whether a unit is wanted; of how many that was asked is how many there are."""

    def __init__(self, wanted: Callable[[int], bool]) -> None:
        self._wanted = wanted
        self.units = 0

    def __call__(self, number: int) -> bool:
        self.units = max(self.units, number + 1)
        return self._wanted(number)
