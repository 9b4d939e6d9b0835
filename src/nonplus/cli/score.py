"""``nonplus score``: texts and a model to a perplexity."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import click

from nonplus.cli.score_by_workers import score_by_workers
from nonplus.cli.score_plan import Output, Plan, Precision
from nonplus.cli.score_run import carry_out
from nonplus.cli.terminal.help_texts import COMMON, CORPUS, LOADING, OUTPUT, PRECISION, PROTOCOL, RUN, WORKERS
from nonplus.cli.terminal.interruption import Stop
from nonplus.cli.terminal.options import Option, Verb, fields_set, flags
from nonplus.cli.terminal.outlets import ReaderGone
from nonplus.cli.terminal.report import show
from nonplus.corpora import CorpusOptions
from nonplus.jobs.options import WorkOptions
from nonplus.measure.forward import RunOptions
from nonplus.measure.protocol.choices import Protocol
from nonplus.models import DEFAULT
from nonplus.models.loading import Loading

_SHOWN_ALTERNATIVES = 5


@click.command(
    "score",
    cls=Verb,
    common=COMMON,
    epilog="Each of TEXTS is a file, a folder, a glob pattern, - for standard input, or the text itself. Where that is "
    "not clear, write a scheme before it: text: file: lines: jsonl: csv: parquet: archive: wikitext: dataset: hub:",
)
@click.argument("sources", nargs=-1, metavar="TEXTS...")
@click.option("-m", "--model", cls=Option, heading="Model", metavar="NAME", default=DEFAULT,
              help=f"e.g. hf:gpt2, or a folder  [{DEFAULT}]")  # fmt: skip
@flags(Loading, "Model", LOADING)
@flags(Output, "Output", OUTPUT)
@flags(Precision, "Precision", PRECISION)
@flags(CorpusOptions, "Corpus", CORPUS)
@click.option("-p", "--protocol", cls=Option, heading="Protocol", metavar="NAME",
              help="a way to measure, e.g. stride:512 or gptq:1024; see nonplus protocols  [full]")  # fmt: skip
@flags(Protocol, "Protocol", PROTOCOL, defaults=False)
@flags(RunOptions, "Run", RUN)
@flags(WorkOptions, "Run", WORKERS)
def command(sources: tuple[str, ...], model: str, protocol: str | None, **options: Any) -> int:
    """Measure the perplexity of a model on TEXTS: files, folders, or the text itself.

    \b
    nonplus score 'The quick brown fox.' --show
    nonplus score book.txt --model hf:gpt2 --protocol stride:512
    nonplus score news.jsonl --field body --json
    """
    plan = planned(sources, model, protocol, options)
    outcome = score_by_workers(plan) if plan.work.workers else carry_out(plan)
    if isinstance(outcome.stop, Stop):
        with suppress(ReaderGone):  # SIGHUP: the terminal is gone, and the files have what is finished
            show(outcome, plan)
        return outcome.stop.code
    show(outcome, plan)
    if outcome.stop is not None:
        raise outcome.stop
    return 0


def planned(sources: tuple[str, ...], model: str, protocol: str | None, options: dict[str, Any]) -> Plan:
    """The options as one value.

    Raises:
        NonplusError: an option is invalid, or contradicts another.
    """
    output, run = Output(**fields_set(Output, options)), RunOptions(**fields_set(RunOptions, options))
    if output.html and options["alternatives"] is None:
        run = replace(run, alternatives=_SHOWN_ALTERNATIVES)
    choices = fields_set(Protocol, {**options, "name": None})
    return Plan(
        sources=sources,
        model=model,
        asked=Protocol.named("full" if protocol is None else protocol).but(**choices)
        if protocol is not None or choices
        else None,
        loading=Loading(**fields_set(Loading, options)),
        corpus=CorpusOptions(**fields_set(CorpusOptions, options)),
        run=run,
        precision=Precision(**fields_set(Precision, options)),
        output=output,
        work=WorkOptions(**fields_set(WorkOptions, options)),
    )
