"""Work whose right result is plain: each unit of a file holds some of its numbers."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nonplus.jobs import local, ray_actors
from nonplus.jobs.ledger import Ledger, Unit
from nonplus.jobs.local import Work
from nonplus.jobs.plan import begin
from nonplus.jobs.stores import open_store
from nonplus.jobs.tasks import Task, tasks


@dataclass(frozen=True)
class Squares:
    """For each unit of ten numbers, a file with their squares.

    All but the first unit of a file take so many seconds.
    """

    place: str
    sizes: tuple[int, ...]
    seconds: float = 0.0

    def __call__(self) -> Work[Unit]:
        return self.do

    def do(self, task: Task) -> Iterator[Unit]:
        ledger = Ledger(open_store(self.place))
        done = ledger.done(task.file)
        if ledger.closed(task, done):
            return
        units = range(0, self.sizes[task.file], 10)
        for number, start in enumerate(units):
            unit = Unit(task.file, number)
            if task.takes(number) and number not in done:
                time.sleep(self.seconds if number else 0)
                numbers = range(start, min(start + 10, self.sizes[task.file]))
                content = "".join(f"{n * n}\n" for n in numbers).encode()
                files = {f"kept/{unit}.txt": content, f"sums/{unit}.txt": f"{sum(numbers)}\n".encode()}
                ledger.commit(unit, files, counts={"numbers": len(numbers)})
                yield unit
        ledger.end(task.file, len(units))


def run(
    place: str | Path,
    sizes: Sequence[int],
    *,
    workers: int,
    seconds: float = 0.0,
    results=local.results,
    kind: type[Squares] = Squares,
) -> list[Unit]:
    begin(open_store(str(place)), {"sizes": list(sizes)})
    these = tasks(sizes, workers=workers, unit=10)
    return list(results(kind(str(place), tuple(sizes), seconds), these, workers=workers))


def command(engine: str, place: object, *, workers: int, seconds: float, sizes: Sequence[int]) -> list[str]:
    """What runs a job in another process."""
    return [sys.executable, __file__, engine, *map(str, (place, workers, seconds, *sizes))]


if __name__ == "__main__":
    engine, place, workers, seconds, *sizes = sys.argv[1:]
    engines = {"local": local.results, "ray": ray_actors.results}
    run(place, [int(size) for size in sizes], workers=int(workers), seconds=float(seconds), results=engines[engine])
