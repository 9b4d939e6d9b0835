"""Many jobs for workers that start once, which takes longer than a small job."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nonplus.jobs.options import WorkOptions
from nonplus.jobs.tasks import Task


class TaskOf(NamedTuple):
    """A task, and the number of its job."""

    job: int
    task: Task


@dataclass(frozen=True)
class EachItsOwn:
    """A worker for many jobs: it makes the work of one when it gets a task of it."""

    makes: Sequence[Callable[[], Any]]

    def __call__(self) -> Callable[[TaskOf], Iterator[Any]]:
        return lambda given: self.makes[given.job]()(given.task)


@dataclass(frozen=True, kw_only=True)
class Later(WorkOptions):
    """Workers to whom jobs are given, and who do them all at once when told to."""

    jobs: list[tuple[Callable[[], Any], Sequence[Task]]] = field(default_factory=list)

    def results(self, make: Callable[[], Any], tasks: Sequence[Task], help: object = None) -> Iterator[Any]:
        self.jobs.append((make, tasks))
        return iter(())

    def now(self) -> None:
        tasks = [TaskOf(number, task) for number, (_, tasks) in enumerate(self.jobs) for task in tasks]
        for _ in WorkOptions.results(self, EachItsOwn([make for make, _ in self.jobs]), tasks):
            pass
        self.jobs.clear()
