"""``nonplus filter split``: another cut of a corpus that was scored before."""

from typing import Any

import click

from nonplus.cli.filter.said import carried_out
from nonplus.cli.terminal.help_texts import FILTER_WORKERS, FILTER_WRITING
from nonplus.cli.terminal.options import Option, Verb, fields_set, flags
from nonplus.filtering.fields.options import WriteOptions
from nonplus.filtering.runs.running import split_corpus
from nonplus.filtering.runs.target import Target
from nonplus.jobs.options import WorkOptions


@click.command("split", cls=Verb)
@click.argument("scored", metavar="FOLDER")
@click.option("-o", "--output", cls=Option, heading="Output", metavar="PATH", required=True,
              help="a folder for what is kept, dropped and rejected; or a file such as clean.jsonl.zst for what is "
              "kept, with a folder beside it")  # fmt: skip
@click.option("-k", "--keep", cls=Option, heading="Rule", metavar="RULE", required=True,
              help="which records to keep, e.g. 'bits_per_byte <= 1.9 and tokens >= 20', or a file such as "
              "rule.toml")  # fmt: skip
@flags(WriteOptions, "Output", FILTER_WRITING)
@flags(WorkOptions, "Work", FILTER_WORKERS)
@click.option("--json", "as_json", cls=Option, heading="Output", is_flag=True,
              help="print one JSON object and nothing else")  # fmt: skip
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
