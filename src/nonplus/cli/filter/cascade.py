"""``nonplus filter cascade``: which model decides what."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from nonplus.cli.terminal.help_texts import CASCADE, FILTER_READING
from nonplus.cli.terminal.notices import wrote
from nonplus.cli.terminal.options import Option, Verb, fields_set, flags, json_flag
from nonplus.cli.terminal.printing import say, say_field, say_json
from nonplus.cli.terminal.tables import say_table
from nonplus.files import replacing
from nonplus.filtering.cascade.file import to_toml
from nonplus.filtering.cascade.making import CascadeOptions, MadeCascade, made_cascade
from nonplus.filtering.fields.options import ReadOptions
from nonplus.filtering.scoring.scorer import DEFAULT
from nonplus.measure.formatting import figure, percent


@click.command("cascade", cls=Verb)
@click.argument("sources", nargs=-1, required=True, metavar="FILES...")
@click.option("-k", "--keep", cls=Option, heading="Rule", metavar="RULE", required=True,
              help="which records to keep, in bits per byte of the second model; or a file such as "
              "rule.toml")  # fmt: skip
@click.option("-o", "--output", cls=Option, heading="Output", metavar="FILE", type=click.Path(path_type=Path),
              default=None, help="write the cascade, for nonplus filter run --cascade FILE")  # fmt: skip
@json_flag
@click.option("-m", "--model", cls=Option, heading="Models", metavar="NAME", default=DEFAULT,
              help=f"model that is asked first  [{DEFAULT}]")  # fmt: skip
@flags(CascadeOptions, "Models", CASCADE)
@flags(ReadOptions, "Records", FILTER_READING)
def command(sources: tuple[str, ...], keep: str, output: Path | None, as_json: bool, model: str, **options: Any) -> int:
    """See on a sample of FILES what a fast model can decide and what a better one must.

    \b
    nonplus filter cascade crawl/ --keep 'bits_per_byte <= 2' -o cascade.toml
    nonplus filter run crawl/ -o out --keep 'bits_per_byte <= 2' --cascade cascade.toml
    """
    chosen = CascadeOptions(**fields_set(CascadeOptions, options))
    reading = ReadOptions(**fields_set(ReadOptions, options))
    made = made_cascade(sources, keep=keep, model=model, options=chosen, reading=reading)
    if output is not None:
        with replacing(output) as out:
            out.write(to_toml(made.cascade, made.said).encode())
        wrote(output, "the cascade, for nonplus filter run --cascade")
    if as_json:
        say_json(made.as_dict())
        return 0
    for name, value in _lines(made):
        say_field(name, value)
    say("")
    say_table(
        ("errors from a cut", "goes to the second", "of the bytes", "decided as by it", "of its time"), _rows(made)
    )
    return 0


def _lines(made: MadeCascade) -> Iterator[tuple[str, str]]:
    line = made.cascade.translation
    yield "first model", made.cascade.first.name
    yield "second model", made.cascade.second.name
    yield "rule", made.rule
    yield "looked at", f"{made.documents:,} documents, {made.bytes:,} bytes"
    yield "expected", f"{figure(line.intercept)} + {figure(line.slope)} × the first model's bits per byte"
    yield "error", f"{figure(line.floor)} bits per byte, and {figure(line.times)} × the standard error"


def _rows(made: MadeCascade) -> Iterator[tuple[str, ...]]:
    for each in made.checks:
        yield (
            f"{each.width:g}",
            percent(each.documents),
            percent(each.bytes),
            percent(each.agreement),
            percent(made.seconds_share(each)),
        )
