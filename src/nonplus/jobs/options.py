"""Who does the work of a job, and which part of it."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nonplus.errors import BadInput
from nonplus.jobs import local, ray_actors
from nonplus.jobs.local import Result, Work
from nonplus.jobs.ray_gpus import Help
from nonplus.jobs.tasks import WHOLE, Shard, Task
from nonplus.threads import processors

_LOCAL, _RAY = "local", "ray"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOptions:
    """Who does the work, and which part of it.

    ``workers`` are processes of this machine, 0 for as many as there are processors;
    with ``engine="ray"`` they are actors of the Ray cluster at ``address``
    (``host:port``), by default of one on this machine, and have so many ``gpus`` each;
    where part of the work is for other actors, those have them. ``shard`` is ``i/n``
    where this run does the i-th of n parts. Nothing of this changes the result, except
    that neural models round otherwise on GPUs.
    """

    workers: int = 0
    shard: str = ""
    engine: str = _LOCAL
    address: str = ""
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise BadInput(f"workers={self.workers} is below 0; use workers=0 for as many as there are processors")
        if self.engine == _LOCAL and self.workers > _most_processes():
            raise BadInput(
                f"workers={self.workers} are more processes than this machine can bear; use at most "
                f"workers={_most_processes()}, or workers=0 for as many as there are processors"
            )
        if self.shard:
            Shard.parsed(self.shard)
        if self.engine not in (_LOCAL, _RAY):
            raise BadInput(f"engine={self.engine} is unknown; use engine={_LOCAL} or engine={_RAY}")
        if self.gpus < 0:
            raise BadInput(f"gpus={self.gpus:g} is below 0; use gpus=1 for one for each worker")
        if self.engine == _RAY and not self.workers:
            raise BadInput(f"engine={_RAY} does not know how many workers to start; give a number, such as workers=8")
        for name, given in (("address", self.address), ("gpus", self.gpus)):
            if given and self.engine != _RAY:
                raise BadInput(f"{name}={given} is for workers of Ray, and engine={self.engine}; add engine={_RAY}")

    @property
    def in_actors(self) -> bool:
        """Whether the workers are actors of Ray, which may be on other machines."""
        return self.engine == _RAY

    @property
    def processes(self) -> int:
        """How many workers there are."""
        return self.workers or processors()

    @property
    def part(self) -> Shard:
        """The part of the units that is to be done."""
        return Shard.parsed(self.shard) if self.shard else WHOLE

    def results(
        self,
        make: Callable[[], Work[Result]],
        tasks: Sequence[Task],
        help: Help[Any, Any, Callable[[], Work[Result]]] | None = None,
    ) -> Iterator[Result]:
        """The results of all tasks as they come, in no order.

        With ``help``, actors of Ray with GPUs do part of the work for others.

        Raises:
            NonplusError: see :func:`nonplus.jobs.local.in_processes` and
                :func:`nonplus.jobs.ray_actors.results`.
        """
        if self.engine == _RAY:
            return ray_actors.results(
                make, tasks, workers=self.workers, address=self.address, gpus=self.gpus, help=help
            )
        return local.results(make, tasks, workers=self.processes)


def _most_processes() -> int:
    """Many more than help: each takes memory and a second to start."""
    return max(64, 4 * (os.cpu_count() or 1))
