"""Signals that ask a process to end: Ctrl-C, SIGTERM, SIGHUP.

They reach a run between two batches, and never while a row is written.
"""

import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from inspect import GEN_RUNNING, getgeneratorstate
from threading import current_thread, main_thread
from types import FrameType, TracebackType
from typing import Self, TypeVar, final

T = TypeVar("T")

Handler = Callable[[int, FrameType | None], None]

# Windows has no SIGHUP.
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in dir(signal)]


@final
class Stop(KeyboardInterrupt):
    """Somebody asked the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.by = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        self.code = 128 + number  # what a shell shows for a process that the signal ended


@contextmanager
def stopping(handler: Handler | None = None) -> Iterator[None]:
    """While the block runs, signals that ask to end go to ``handler``, else raise
    :class:`Stop` at once.

    A signal that is ignored stays so: ``nohup`` ignores SIGHUP. Python gives signals to
    its main thread only.
    """
    main = current_thread() is main_thread()
    before = {number: signal.getsignal(number) for number in _SIGNALS if main}
    heard = [number for number, old in before.items() if old not in (signal.SIG_IGN, None)]
    try:
        for number in heard:
            signal.signal(number, handler or _stop)
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stop(number)


@final
class Interruption:
    """While entered, a signal waits until the source of :meth:`items` runs.

    A second Ctrl-C ends everything at once. SIGTERM and SIGHUP may come twice for one
    request, from a shell and from the system, so they do not.
    """

    def __init__(self) -> None:
        self.stop: Stop | None = None
        self._delivered = False
        self._source: Generator[object, None, None] | None = None
        self._stopping = stopping(self._hear)

    def __enter__(self) -> Self:
        self._stopping.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.__exit__(kind, error, at)

    def items(self, source: Generator[T, None, None]) -> Iterator[T]:
        """The items of ``source``, which receives a signal as :class:`Stop`.

        It may yield what it has finished by then before it raises.
        """
        self._source = source
        while True:
            try:
                yield self._next(source)
            except StopIteration:
                return

    def _next(self, source: Generator[T, None, None]) -> T:
        if self.stop is not None and not self._delivered:
            self._delivered = True
            return source.throw(self.stop)
        return next(source)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        again, self.stop = self.stop is not None, self.stop or Stop(number)
        if again and number != signal.SIGINT:
            return
        # Raised beside the source, it would not reach it, and what is under way there
        # would be lost; so there it waits.
        if again or (self._source is not None and getgeneratorstate(self._source) == GEN_RUNNING):
            self._delivered = True
            raise self.stop
