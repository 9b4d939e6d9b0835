"""What is said on stderr: errors and notes, a sentence each."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import click

from nonplus.errors import FallbackNotice, ProtocolWarning

_OURS = (ProtocolWarning, FallbackNotice)


def note(sentence: str) -> None:
    """Say something that the reader of the figure should know."""
    click.echo(f"{click.style('note:', fg='yellow', bold=True)} {sentence}", err=True)


def fail(sentence: str, *, code: int = 2) -> int:
    """Say what is wrong, and give the exit code."""
    click.echo(f"{click.style('error:', fg='red', bold=True)} {sentence}", err=True)
    return code


@contextmanager
def notes() -> Iterator[None]:
    """While this lasts, our own warnings are shown as notes, each once; those of others stay as they are."""
    with warnings.catch_warnings():
        others, said = warnings.showwarning, set[str]()

        def show(message: Warning | str, category: type[Warning], *place: object) -> None:
            if not issubclass(category, _OURS):
                others(message, category, *place)  # type: ignore[arg-type]
            elif str(message) not in said:
                said.add(str(message))
                note(str(message))

        for ours in _OURS:
            warnings.simplefilter("always", ours)
        warnings.showwarning = show  # type: ignore[assignment]
        yield
