"""``nonplus filter report``: what a cut did."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click

from nonplus.cli.filter.pictures import Pictures, say_strata
from nonplus.cli.filter.said import amounts
from nonplus.cli.terminal.help_texts import PICTURES, REPORTED
from nonplus.cli.terminal.notices import note
from nonplus.cli.terminal.options import Option, Verb, fields_set, flags, json_flag
from nonplus.cli.terminal.printing import say, say_field, say_json
from nonplus.cli.terminal.progress import waiting
from nonplus.cli.terminal.spelling import with_flags
from nonplus.cli.terminal.tables import say_histogram, say_table
from nonplus.filtering.retention.causes import Cause
from nonplus.filtering.retention.page import retention_page, shortened
from nonplus.filtering.retention.retention import Retention, retention
from nonplus.filtering.strata.strata import WIDTH
from nonplus.measure.formatting import counted, figure, first_and_others

_MOST = 10  # causes of a kind that are printed


@click.command("report", cls=Verb)
@click.argument("output", metavar="OUT")
@click.option("--scores", cls=Option, heading="Input", metavar="FOLDER", default="", help=REPORTED["--scores"])
@flags(Pictures, "Output", PICTURES)
@json_flag
def command(output: str, scores: str, as_json: bool, **options: Any) -> int:
    """Show what nonplus filter run or split did to a corpus: what is left of each
    language, source and length, and why the rest is not. OUT is their output, finished
    or not.

    \b
    nonplus filter report clean.jsonl --html clean.html
    nonplus filter report stricter --scores clean.jsonl
    """
    pictures = Pictures(**fields_set(Pictures, options))
    pictures.check()
    with waiting("reading the scores"):
        found = retention(output, scores=scores)
        pictures.write(page=lambda: retention_page(found), title=found.title, strata=found.strata)
    if as_json:
        say_json(found.as_dict())
    else:
        _show(found)
    pictures.say_written()
    if not found.complete:
        note("the run is not finished, and the figures are of the units that are; the same command goes on with it")
    return 0


def _show(found: Retention) -> None:
    for name, value in _lines(found):
        say_field(name, value)
    whole = found.strata.whole
    say("")
    say_histogram(whole.bins_before, whole.bins_after, width=WIDTH, unit="bits per byte")
    say_strata(found.strata)
    rejected = [replace(cause, reason=with_flags(cause.reason)) for cause in found.rejected]
    for title, causes in (("dropped because", found.dropped), ("rejected because", rejected)):
        if causes:
            say("")
            _say_causes(title, causes)


def _lines(found: Retention) -> Iterator[tuple[str, str]]:
    accounts = found.accounts
    yield "read", first_and_others(found.files)
    for name, model in found.models.items():
        yield f"model {name}".strip(), model["name"]
    yield "rule", str(found.rule)
    for threshold in found.rule.thresholds:
        of = f"{threshold.of} for {threshold.group}" if threshold.group else threshold.of
        yield "  where", f"{of} is {', '.join(map(figure, threshold.values))}"
    yield "records", accounts.balance
    yield "kept", amounts(accounts.kept, accounts.dropped)
    yield "dropped", amounts(accounts.dropped, accounts.kept)
    yield "finished", counted(found.units, "unit")
    yield "decisions", f"{found.decisions}, about each record"


def _say_causes(title: str, causes: Sequence[Cause]) -> None:
    rows = [(cause.reason, f"{cause.records:,}", f"{cause.place}  {shortened(cause.example)}") for cause in causes]
    say_table((title, "records", "for instance"), rows[:_MOST], texts=(0, 2))
    if rows[_MOST:]:
        say(f"and {counted(len(rows) - _MOST, 'other reason')}")
