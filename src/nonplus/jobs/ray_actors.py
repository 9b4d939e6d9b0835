"""Tasks in actors of Ray, on one machine or many.

Whoever asks sees the results only: an actor reads its input and commits its units by
itself. An actor that dies, alone or with its machine, is replaced, and its task is done
again, which skips what is finished; so there may be units without a result.
"""

import logging
import os
import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from typing import Any, Generic, NamedTuple, final

from nonplus.cautions import warn
from nonplus.errors import BadInput, SuspectInput
from nonplus.jobs.local import Result, Said, Work
from nonplus.jobs.ray_gpus import Help, helpers
from nonplus.jobs.ray_process import Sentences, Warned, go_to, raised_by
from nonplus.jobs.tasks import Task
from nonplus.optional import require

_REPORT = 1.0  # seconds between two answers of an actor, if it finishes a unit within them
_PATIENCE = 60.0  # seconds without any answer until the user is told what is waited for
_DEATHS = 3  # so many actors in a row may die of a task without finishing a unit
_ANSWER = 10.0  # seconds until a cluster must answer
_OBJECTS = 1 << 27  # bytes of memory for what actors answer, on this machine


def results(
    make: Callable[[], Work[Result]],
    tasks: Iterable[Task],
    *,
    workers: int,
    address: str = "",
    gpus: float = 0.0,
    help: Help[Any, Any, Callable[[], Work[Result]]] | None = None,
) -> Iterator[Result]:
    """The results of all tasks as they come, in no order.

    Each of so many actors calls ``make`` once, and has one processor and ``gpus`` GPUs,
    which may be a part of one. With ``help`` the GPUs are those of further actors, as
    many as there are GPUs for, and the workers have none. ``address`` is that of a
    cluster, ``host:port``; without it, that of the job that Ray runs this in, or one is
    started on this machine for as long as it takes.

    Raises:
        BadInput: there is no such cluster, it has no such machines, or a task kills the
            actors that do it.
        MissingExtra: Ray is not installed.
        NonplusError: whatever a task raised; the actors are stopped.
    """
    these = list(tasks)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray prints what it thinks of dead workers to stdout, where our results are.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
    ray = require("ray", purpose="engine=ray")
    with _connected(ray, address, workers, gpus):
        most = min(workers, len(these))
        if help is None or not gpus:
            yield from _Pool(ray, make, these, gpus).results(most)
            return
        with helpers(ray, help.make, gpus=gpus, most=most) as ask:
            yield from _Pool(ray, help.asking(ask), these, 0.0).results(most)


class _Answer(NamedTuple):
    """What came of a task since the last answer, and whether more will."""

    results: list[Any]
    warned: Sentences
    more: bool


class _Actor(Generic[Result]):
    """What runs at the other end: it has one task at a time."""

    def __init__(self) -> None:
        self._warned = Warned()

    def start(self, make: Callable[[], Work[Result]], folder: str, gpus: float) -> _Answer:
        """Do what a worker does once, in the folder of whoever asks, if it is here."""
        if not gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""  # else all actors would use the first one
        go_to(folder)
        self._work = make()
        return self._answer([], more=False)

    def begin(self, task: Task) -> _Answer:
        """Begin a task; its first results."""
        self._results = iter(self._work(task))
        return self.go_on()

    def go_on(self) -> _Answer:
        """The next results of the task."""
        found, until = [], time.monotonic() + _REPORT
        for result in self._results:
            found.append(result)
            if time.monotonic() >= until:
                return self._answer(found, more=True)
        return self._answer(found, more=False)

    def _answer(self, found: list[Result], *, more: bool) -> _Answer:
        return _Answer(found, self._warned.taken(), more)


class _Asked(NamedTuple):
    """An actor that owes an answer, and its task; ``None`` while it starts."""

    actor: Any
    task: Task | None


@final
class _Pool(Generic[Result]):
    """Actors, and the tasks that wait for them."""

    def __init__(self, ray: Any, make: Callable[[], Work[Result]], tasks: list[Task], gpus: float) -> None:
        self._ray = ray
        self._make, self._gpus = make, gpus
        self._waiting = tasks[::-1]
        self._hire = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0)(_Actor)
        self._asked: dict[Future[_Answer], _Asked] = {}  # by the answer that will come
        self._deaths = Counter[Task | None]()  # in a row, without a finished unit

    def results(self, workers: int) -> Iterator[Result]:
        """Those of all tasks."""
        said = Said()
        for _ in range(workers):
            self._start()
        while self._waiting or self._busy():
            # not ray.wait, to which every signal is a KeyboardInterrupt
            coming, _ = wait(self._asked, timeout=_PATIENCE, return_when=FIRST_COMPLETED)
            if not coming and not self._busy():
                available = self._ray.cluster_resources()
                sentence = "no machine of the cluster has room for a worker yet, which is waited for; it has"
                warn(f"{sentence} {available.get('CPU', 0):g} CPUs and {available.get('GPU', 0):g} GPUs", SuspectInput)
            for each in coming:
                asked = self._asked.pop(each)
                try:
                    answer = each.result()
                except self._ray.exceptions.RayTaskError as fault:
                    raise raised_by(fault) from None
                except self._ray.exceptions.RayError as death:
                    said.again([("a worker died, and another does its task", SuspectInput)])
                    self._replace(asked, death, workers)
                    continue
                said.again(answer.warned)
                yield from answer.results
                self._go_on(asked, answer)

    def _busy(self) -> bool:
        return any(asked.task for asked in self._asked.values())

    def _start(self) -> None:
        actor = self._hire.remote()
        self._ask(actor.start.remote(self._make, os.getcwd(), self._gpus), _Asked(actor, None))

    def _ask(self, answer: Any, asked: _Asked) -> None:
        self._asked[answer.future()] = asked

    def _replace(self, asked: _Asked, death: Exception, workers: int) -> None:
        """Another actor for one that died; its task is the next to be done."""
        self._ray.kill(asked.actor)  # it may only be out of reach
        self._deaths[asked.task] += 1
        if self._deaths[asked.task] == _DEATHS * (1 if asked.task else workers):
            raise BadInput(
                f"{_DEATHS} workers in a row died without finishing a unit: {_told(death)}; what is finished is kept: "
                "run the same again to go on, with more memory for each worker if that is short"
            ) from death
        if asked.task:
            self._waiting.append(asked.task)
        self._start()

    def _go_on(self, asked: _Asked, answer: _Answer) -> None:
        """Ask an actor that answered for more, if there is more to do."""
        if answer.results or not asked.task:
            self._deaths[asked.task] = 0
        if answer.more:
            self._ask(asked.actor.go_on.remote(), asked)
        elif self._waiting:
            task = self._waiting.pop()
            self._ask(asked.actor.begin.remote(task), _Asked(asked.actor, task))


@contextmanager
def _connected(ray: Any, address: str, workers: int, gpus: float) -> Iterator[None]:
    """Ray while it is needed; if it was already, nothing changes."""
    if ray.is_initialized():
        yield
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "include_dashboard": False}
    if address or "RAY_ADDRESS" in os.environ:
        place = address or os.environ["RAY_ADDRESS"]
        _check(place)
        options["address"] = place
    else:
        place = "local"
        options |= {"address": place, "num_cpus": workers, "object_store_memory": _OBJECTS}
    terminated = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(**options)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, terminated)  # Ray has one of its own
    except (OSError, RuntimeError, ValueError) as problem:
        raise BadInput(f"Ray does not start at address={place}: {_told(problem)}; check both") from problem
    try:
        there = ray.cluster_resources().get("GPU", 0)
        if not address and there < gpus:
            raise BadInput(
                f"each worker asks for gpus={gpus:g}, and this machine has {there:g}; give address=… of a cluster "
                "that has them"
            )
        yield
    finally:
        ray.shutdown()


def _check(address: str) -> None:
    """Refuse an address where nobody answers: Ray would wait for minutes, and then end
    this process.
    """
    parts = re.fullmatch(r"(?:ray://)?(?P<host>[^\s/]+):(?P<port>[0-9]{1,5})", address)
    if not parts and address not in ("auto", "local"):
        raise BadInput(f"address must be host:port of a Ray cluster, or auto for that of this machine, got {address!r}")
    if parts:
        try:
            socket.create_connection((parts["host"], int(parts["port"])), timeout=_ANSWER).close()
        except OSError as problem:
            raise BadInput(
                f"no Ray cluster answers at address={address}: {problem}; give what ray prints where its head starts"
            ) from problem


def _told(problem: Exception) -> str:
    """The last line of what Ray says, which has the reason."""
    return str(problem).strip().rpartition("\n")[2]
