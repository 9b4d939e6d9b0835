"""``nonplus filter run``: a corpus to what is kept of it."""

from typing import Any

import click

from nonplus.cli.filter.cutting import cuts
from nonplus.cli.filter.said import carried_out
from nonplus.cli.terminal.help_texts import FILTER_READING, FILTER_SCORING, FILTER_WORKERS, FILTER_WRITING
from nonplus.cli.terminal.options import Option, Verb, fields_set, flags, json_flag
from nonplus.filtering.fields.options import ReadOptions, WriteOptions
from nonplus.filtering.runs.options import ScoreOptions
from nonplus.filtering.runs.running import filter_corpus
from nonplus.filtering.runs.target import Target
from nonplus.filtering.scoring.scorer import DEFAULT
from nonplus.filtering.units.models import by_name
from nonplus.jobs.options import WorkOptions


@click.command("run", cls=Verb)
@click.argument("sources", nargs=-1, metavar="FILES...")
@cuts
@click.option("-m", "--model", cls=Option, heading="Model", metavar="NAME", default=DEFAULT,
              help=f"e.g. ngram:FOLDER; or one for each language: en=NAME,fr=NAME  [{DEFAULT}]")  # fmt: skip
@click.option("--models", cls=Option, heading="Model", metavar="NAME=MODEL,...", default="",
              help="models that the rule compares with, by the names that it has for them")  # fmt: skip
@flags(ReadOptions, "Records", FILTER_READING)
@flags(ScoreOptions, "Model", FILTER_SCORING)
@flags(WriteOptions, "Output", FILTER_WRITING)
@flags(WorkOptions, "Work", FILTER_WORKERS)
@json_flag
def command(
    sources: tuple[str, ...], output: str, keep: str, model: str, models: str, as_json: bool, **options: Any
) -> int:
    """Keep the records of FILES that a rule about their perplexity keeps.

    After an interruption the same command goes on with what is finished.

    \b
    nonplus filter run news.jsonl.zst -o clean.jsonl.zst --keep 'bits_per_byte <= 1.9'
    nonplus filter run crawl/ -o clean --keep 'bits_per_byte <= p60' --workers 8
    """
    return carried_out(
        lambda meter: filter_corpus(
            sources,
            output,
            keep=keep,
            model=model,
            models=by_name(models),
            reading=ReadOptions(**fields_set(ReadOptions, options)),
            scoring=ScoreOptions(**fields_set(ScoreOptions, options)),
            writing=WriteOptions(**fields_set(WriteOptions, options)),
            work=WorkOptions(**fields_set(WorkOptions, options)),
            meter=meter,
        ),
        as_json=as_json,
        folder=Target.of(output).folder,
    )
