"""What verbs that write a model have in common: where to, in which form, and what is
said of it.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from nonplus.cli.terminal.help_texts import FORM
from nonplus.cli.terminal.notices import note
from nonplus.cli.terminal.options import Option, json_flag
from nonplus.cli.terminal.printing import say_field
from nonplus.measure.formatting import counted
from nonplus.models.ngram.converting import Written
from nonplus.models.ngram.training.meter import WRITTEN, TrainingMeter

F = TypeVar("F", bound=Callable[..., Any])


def writes(function: F) -> F:
    """Give a command the options of a model that is written."""
    for add in reversed((
        click.option("-o", "--output", cls=Option, heading="Output", metavar="PATH", required=True,
                     type=click.Path(path_type=Path),
                     help="an ARPA file if the name ends with .arpa, else the folder of a bundle"),
        click.option("--quantize", cls=Option, heading="Output", metavar="BITS", type=int, default=None,
                     help=FORM["--quantize"]),
        click.option("--packed/--no-packed", cls=Option, heading="Output", default=None,
                     help=FORM["--packed/--no-packed"]),
        json_flag,
    )):  # fmt: skip
        function = add(function)
    return function


def say_written(written: Written, *, earlier: bool) -> None:
    """Print what was written, and whether in place of an earlier one; what was lost
    goes to stderr.
    """
    say_field("wrote", f"{written.path} ({written.kind}{in_place_of(earlier)})")
    say_field("n-grams", summed(written.counts))
    ngrams = "" if written.kind == "ARPA" else f", {written.ngram_bytes:,} of them n-grams"
    say_field("size", f"{counted(written.bytes, 'byte')}{ngrams}")
    say_field("values", f"quantised, {written.bits} bits" if written.bits else "float32")
    for sentence in written.lost:
        note(sentence)


def in_place_of(earlier: bool) -> str:
    """What is added to the line about a model that replaced one."""
    return ", in place of an earlier one" if earlier else ""


def left_in(work: Path, meter: TrainingMeter) -> str:
    """What a run that was stopped has left in its work folder."""
    if meter.stage == WRITTEN:
        return "the model is written"
    if work.exists():
        return f"what is finished is in {work}, and the same command goes on from there"
    return "nothing was written"


def as_flags(options: Mapping[str, Any]) -> str:
    """The options of a training as one types them."""
    return " ".join(_flag(name, value) for name, value in options.items() if value is not False)


def _flag(name: str, value: Any) -> str:
    values = value if isinstance(value, list | tuple) else [] if value is True else [value]
    return " ".join([f"--{name.replace('_', '-')}", *(shlex.quote(str(each)) for each in values)])


def summed(counts: Sequence[int]) -> str:
    """How many n-grams of each order there are, and of all."""
    total = f" = {sum(counts):,}" if len(counts) > 1 else ""
    return " + ".join(f"{count:,}" for count in counts) + total
