"""Errors and notes on stderr, one sentence each."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nonplus.cli.terminal.printing import say, say_lines, styled
from nonplus.cli.terminal.spelling import with_flags
from nonplus.errors import FallbackNotice, ProtocolWarning, SuspectInput

_OURS = (ProtocolWarning, FallbackNotice, SuspectInput)


def note(sentence: str) -> None:
    """Print something that the reader of the figure should know."""
    _say("note:", "yellow", sentence)


def wrote(path: Path, content: str) -> None:
    """Say what is in a file now."""
    say(f"wrote {path} ({content})", err=True)


def fail(sentence: str, *, code: int = 2) -> int:
    """Print what is wrong, and return the exit code."""
    _say("error:", "red", sentence)
    return code


def _say(label: str, colour: str, sentence: str) -> None:
    say(styled(label, fg=colour, bold=True), f" {with_flags(sentence)}", err=True)


@contextmanager
def notes() -> Iterator[None]:
    """Show our own warnings as notes, each once; those of others as Python does."""
    with warnings.catch_warnings():
        shown = set[str]()

        def show(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
            if not issubclass(category, _OURS):
                say_lines(warnings.formatwarning(message, category, filename, lineno).rstrip("\n"), err=True)
            elif str(message) not in shown:
                shown.add(str(message))
                note(str(message))

        for ours in _OURS:
            warnings.simplefilter("always", ours)
        warnings.showwarning = show  # type: ignore[assignment]
        yield
