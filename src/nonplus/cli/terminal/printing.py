"""The one place where text leaves for the terminal.

A name, an id or a path may hold anything, also what would control the terminal. Lines
are cleaned here; only styles are added after that. JSON stays exact.
"""

import json
import os
import shutil
import sys
import textwrap
from typing import Any, NamedTuple

import click

# Explicit bidirectional formatting: it can show a line in another order than it has.
_BIDI = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_HIDDEN = [0x7F, *range(0x80, 0xA0), 0x2028, 0x2029, *_BIDI, *range(0xD800, 0xE000)]

_SYMBOLS = dict.fromkeys(_HIDDEN, 0xFFFD) | {code: 0x2400 + code for code in range(32)} | {0x7F: 0x2421}
_LAID_OUT = {code: symbol for code, symbol in _SYMBOLS.items() if chr(code) not in "\n\t"}
_ESCAPES = {code: f"\\u{code:04x}" for code in _HIDDEN}


NAMES = 15  # columns for the names in a table of names and values
_WIDEST = 110  # columns; longer lines are hard to read


class Styled(NamedTuple):
    """A piece of a line in a style of :func:`click.style`."""

    text: str
    style: dict[str, Any]


def styled(text: str, **style: Any) -> Styled:
    """``text`` with its style."""
    return Styled(text, style)


def visible(text: str) -> str:
    """The text with controls as symbols, so that it controls nothing; newlines and tabs
    stay.
    """
    return text.translate(_LAID_OUT)


def one_line(text: str) -> str:
    """The text with controls as symbols, newlines and tabs too."""
    return text.translate(_SYMBOLS)


def say(*pieces: str | Styled, err: bool = False) -> None:
    """Print one line on stdout, or on stderr; newlines in a piece show as symbols."""
    click.echo("".join(_cleaned(piece) for piece in pieces), err=err)


def say_field(name: str, value: str, *, names: int = NAMES, chief: bool = False) -> None:
    """Print a name and a value, in a terminal on as many lines as that takes; a
    ``chief`` one stands out.
    """
    first, *others = in_room(value, before=names + 2)
    say(styled(f"{name:{names}}  ", dim=not chief), styled(first, bold=chief))
    for line in others:
        say(" " * (names + 2) + line)


def room(most: int) -> int:
    """The columns of the terminal, at most so many; ``most`` where output goes
    elsewhere, for there lines are not divided.
    """
    return min(shutil.get_terminal_size().columns, most) if sys.stdout.isatty() else most


def in_room(value: str, *, before: int) -> list[str]:
    """A value as lines that a terminal has room for beside ``before`` columns."""
    width = room(_WIDEST) if sys.stdout.isatty() else 0
    return textwrap.wrap(value, width - before, break_on_hyphens=False) or [value] if width > 2 * before else [value]


def say_lines(text: str, *, err: bool = False) -> None:
    """Print a text of our own, which has lines."""
    click.echo(visible(text), err=err)


def say_json(content: object) -> None:
    """Print one JSON object; controls in strings are escaped, so a reader gets them
    unchanged.
    """
    utf8 = (sys.stdout.encoding or "").lower().startswith("utf")
    click.echo(json.dumps(content, ensure_ascii=not utf8).translate(_ESCAPES))


def _cleaned(piece: str | Styled) -> str:
    if isinstance(piece, str):
        return one_line(piece)
    if os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR"):  # https://no-color.org
        return one_line(piece.text)
    return click.style(one_line(piece.text), **piece.style)
