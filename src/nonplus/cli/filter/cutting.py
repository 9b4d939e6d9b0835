"""The options of the verbs that cut a corpus: where to, and by which rule."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from nonplus.cli.terminal.options import Option

F = TypeVar("F", bound=Callable[..., Any])

_OUTPUT = click.option("-o", "--output", cls=Option, heading="Output", metavar="PATH", required=True,
                       help="a folder for what is kept, dropped and rejected; or a file such as clean.jsonl.zst for "
                       "what is kept, with a folder beside it")  # fmt: skip
_KEEP = click.option("-k", "--keep", cls=Option, heading="Rule", metavar="RULE", required=True,
                     help="which records to keep, e.g. 'bits_per_byte <= 1.9 and tokens >= 20', or a file such as "
                     "rule.toml")  # fmt: skip


def cuts(function: F) -> F:
    """Give a command the options of a cut."""
    return _OUTPUT(_KEEP(function))
