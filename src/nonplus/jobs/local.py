"""Tasks in processes of this machine."""

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar, final

from nonplus import cautions
from nonplus.errors import BadInput, NonplusError
from nonplus.jobs.tasks import Task
from nonplus.threads import processors

Result = TypeVar("Result")
# What a worker does with a task: it yields a result for each unit that it finished.
Work = Callable[[Task], Iterable[Result]]


@final
class Said:
    """What workers warned of, warned of here: each sentence once."""

    def __init__(self) -> None:
        self._sentences = set[str]()

    def again(self, warned: Iterable[tuple[str, type[Warning]]]) -> None:
        """Warn of what was not warned of yet."""
        for sentence, category in warned:
            if sentence not in self._sentences:
                self._sentences.add(sentence)
                cautions.warn(sentence, category)


def here(work: Work[Result], tasks: Sequence[Task]) -> Iterator[Result]:
    """The results of all tasks, one after the other in this process."""
    for task in tasks:
        yield from work(task)


def in_processes(make: Callable[[], Work[Result]], tasks: Sequence[Task], *, workers: int) -> Iterator[Result]:
    """The results of all tasks as they come, in no order.

    Each worker calls ``make`` once, which travels by pickle. What workers warn of is
    warned of here, each sentence once. A worker ends with this process, however that
    ends.

    Raises:
        BadInput: a worker was killed from outside.
        NonplusError: whatever a task raised; the other workers are stopped.
    """
    context = multiprocessing.get_context("spawn")
    threads = max(1, processors() // workers)
    running: dict[Connection, _Worker] = {}
    waiting = list(reversed(tasks))
    said = Said()
    try:
        for _ in range(min(workers, len(tasks))):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, make, threads), daemon=True)
            process.start()
            theirs.close()
            running[ours] = _Worker(process)
            running[ours].begin(ours, waiting.pop())
        while running:
            for pipe in wait(list(running)):
                assert isinstance(pipe, Connection)
                try:
                    kind, value = pipe.recv()
                except (EOFError, ConnectionError):
                    raise running[pipe].died() from None
                if kind == "result":
                    yield value
                elif kind == "warning":
                    said.again([value])
                elif kind == "error":
                    raise value
                elif waiting:
                    running[pipe].begin(pipe, waiting.pop())
                else:
                    pipe.close()
                    running.pop(pipe).process.join()
    finally:
        for pipe, worker in running.items():
            pipe.close()
            worker.process.terminate()
            worker.process.join()


@dataclass
class _Worker:
    process: BaseProcess
    task: Task | None = None

    def begin(self, pipe: Connection, task: Task) -> None:
        self.task = task
        try:
            pipe.send(task)
        except (BrokenPipeError, ConnectionError):
            raise self.died() from None

    def died(self) -> BadInput:
        self.process.join()
        code = self.process.exitcode or 0
        how = f"was killed by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"ended with code {code}"
        why = ", perhaps for want of memory" if code == -signal.SIGKILL else ""
        return BadInput(
            f"a worker {how}{why}; what is finished is kept: run the same again to go on, with fewer workers if memory "
            "is short"
        )


@final
class _Voice:
    """What a worker says to whoever started it; of several threads one at a time."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._turn = threading.RLock()

    def say(self, kind: str, value: Any) -> None:
        with self._turn:
            self._pipe.send((kind, value))

    def warn(self, message: Warning | str, category: type[Warning], *_: Any) -> None:
        self.say("warning", (str(message), category))


def _serve(pipe: Connection, make: Callable[[], Work[Any]], threads: int) -> None:
    """Do tasks until none comes; what is raised goes to whoever gave them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends this process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # see nonplus.threads
    voice = _Voice(pipe)
    warnings.showwarning = voice.warn  # type: ignore[assignment]
    try:
        work = make()
        while True:
            for result in work(pipe.recv()):
                voice.say("result", result)
            voice.say("done", None)
    except (EOFError, ConnectionError):
        return  # there are no more tasks, or nobody waits for results
    except NonplusError as fault:  # any other is a fault of ours: it is printed here, and this process ends
        voice.say("error", fault)


def _end_with_parent() -> None:
    """End this process when the parent is gone, whatever it does: the next run may do
    the same units.
    """
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)


def results(make: Callable[[], Work[Result]], tasks: Iterable[Task], *, workers: int) -> Iterator[Result]:
    """The results of all tasks, in this process if one worker is enough."""
    these = list(tasks)
    if workers == 1 or len(these) == 1:
        return here(make(), these)
    return in_processes(make, these, workers=workers)
