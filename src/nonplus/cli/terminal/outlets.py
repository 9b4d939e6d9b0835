"""What happens when stdout or stderr cannot be written: a full disk, a closed pipe."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, TextIO, cast, final

from nonplus.files import writing

_GONE = {errno.EPIPE, errno.EIO}  # a pipe that was closed, a terminal that was


class ReaderGone(Exception):
    """Nobody reads stdout any more."""


@contextmanager
def outlets() -> Iterator[None]:
    """While the block runs, a failure of stdout says so, and one of stderr is dropped:
    there is nowhere to say it.

    Raises:
        BadInput: stdout cannot be written.
        ReaderGone: whoever read stdout has closed it.
    """
    with redirect_stdout(_outlet(sys.stdout, _stdout_lost)), redirect_stderr(_outlet(sys.stderr, _dropped)):
        yield


def _stdout_lost(problem: OSError) -> None:
    if problem.errno in _GONE:
        raise ReaderGone from problem
    with writing(Path("stdout")):
        raise problem


def _dropped(problem: OSError) -> None:
    pass


def _outlet(stream: TextIO | None, lost: Callable[[OSError], None]) -> TextIO | None:
    """A stream with its failures handled; ``None``, as in Python, for a closed one."""
    return None if stream is None else cast("TextIO", _Outlet(stream, lost))


@final
class _Outlet:
    def __init__(self, stream: TextIO, lost: Callable[[OSError], None]) -> None:
        self._stream = stream
        self._lost = lost
        self._problem: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        encoding = self._stream.encoding or "utf-8"
        with self._handled():  # what Latin-1 or ASCII lacks shows as an escape
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        with self._handled():
            self._stream.flush()

    @contextmanager
    def _handled(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            self._problem = problem
            # What the stream still holds goes nowhere: Python would try again at exit,
            # and complain.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        if self._problem is not None:  # each time, because click takes an error while it writes for an answer
            self._lost(self._problem)
