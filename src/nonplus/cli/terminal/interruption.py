"""Ctrl-C reaches a run between two batches, and never while a row is written."""

import signal
from collections.abc import Generator, Iterator
from types import FrameType, TracebackType
from typing import Self, TypeVar, final

T = TypeVar("T")


@final
class Interruption:
    """While entered, the first Ctrl-C waits until the source of :meth:`items` runs.

    A second Ctrl-C ends everything at once.
    """

    def __init__(self) -> None:
        self._asked = False
        self._delivered = False
        self._open = False

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        signal.signal(signal.SIGINT, self._before)

    def items(self, source: Generator[T, None, None]) -> Iterator[T]:
        """The items of ``source``, which receives a Ctrl-C as KeyboardInterrupt.

        It may yield what it has finished by then before it raises.
        """
        while True:
            try:
                yield self._next(source)
            except StopIteration:
                return

    def _next(self, source: Generator[T, None, None]) -> T:
        if self._asked and not self._delivered:
            self._delivered = True
            return source.throw(KeyboardInterrupt())
        self._open = not self._asked
        item = next(source)
        self._open = False
        return item

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        again, self._asked = self._asked, True
        if again or self._open:
            self._delivered, self._open = True, False
            raise KeyboardInterrupt
