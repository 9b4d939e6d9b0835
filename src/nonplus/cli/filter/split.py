"""``nonplus filter split``: another cut of a corpus that was scored before."""

from typing import Any

import click

from nonplus.cli.filter.cutting import cuts
from nonplus.cli.filter.said import carried_out
from nonplus.cli.terminal.help_texts import FILTER_WORKERS, FILTER_WRITING
from nonplus.cli.terminal.options import Verb, fields_set, flags, json_flag
from nonplus.filtering.fields.options import WriteOptions
from nonplus.filtering.runs.running import split_corpus
from nonplus.filtering.runs.target import Target
from nonplus.jobs.options import WorkOptions


@click.command("split", cls=Verb)
@click.argument("scored", metavar="FOLDER")
@cuts
@flags(WriteOptions, "Output", FILTER_WRITING)
@flags(WorkOptions, "Work", FILTER_WORKERS)
@json_flag
def command(scored: str, output: str, keep: str, as_json: bool, **options: Any) -> int:
    """Cut the corpus that was scored in FOLDER by another rule.

    FOLDER is the output of nonplus filter run, or the folder beside that.

    \b
    nonplus filter split clean -o stricter --keep 'bits_per_byte <= 1.7'
    """
    return carried_out(
        lambda meter: split_corpus(
            scored,
            output,
            keep=keep,
            writing=WriteOptions(**fields_set(WriteOptions, options)),
            work=WorkOptions(**fields_set(WorkOptions, options)),
            meter=meter,
        ),
        as_json=as_json,
        folder=Target.of(output).folder,
    )
