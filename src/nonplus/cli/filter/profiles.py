"""``nonplus filter profiles``: what other tools' ways to read a text do."""

from collections.abc import Iterator
from typing import Any

import click

from nonplus.cli.terminal.help_texts import CORPUS, FILTER_READING, PROFILES, READ
from nonplus.cli.terminal.options import Choice, Option, Verb, fields_set, flags, json_flag
from nonplus.cli.terminal.printing import say, say_field, say_json
from nonplus.cli.terminal.tables import say_table
from nonplus.errors import BadModel
from nonplus.filtering.fields.options import ReadOptions
from nonplus.filtering.languages.choice import check_one
from nonplus.filtering.profiles.from_files import profiled_files
from nonplus.filtering.profiles.ways import Profiles
from nonplus.measure.formatting import counted, figure
from nonplus.models import open_model
from nonplus.models.ngram.model import NgramModel
from nonplus.models.ngram.normalizers.aligned import Unit
from nonplus.models.ngram.sources import TextOptions, scorer

_MODEL = "bundled:ngram"
_READ = "Text, if MODEL does not say how it is read"
_READING = {"--field": FILTER_READING["--field"]}
_TITLES = ("read as by", "kept", "median", "times its own", "1st to 99th percentile", "Spearman", "decided otherwise")


@click.command("profiles", cls=Verb)
@click.argument("sources", nargs=-1, required=True, metavar="FILES...")
@click.option("-m", "--model", cls=Option, heading="Model", metavar="NAME", default=_MODEL,
              help=f"ngram: with a bundle, an ARPA file or a KenLM binary  [{_MODEL}]")  # fmt: skip
@click.option("--threshold", cls=Option, heading="Model", metavar="PERPLEXITY", type=float, default=200.0,
              help=PROFILES["--threshold"])  # fmt: skip
@click.option("--normalizer", cls=Option, heading=_READ, metavar="NAME", default="", help=READ["--normalizer"])
@click.option("--tokenizer", cls=Option, heading=_READ, metavar="KIND", default="", help=READ["--tokenizer"])
@click.option("--unit", cls=Option, heading=_READ, type=Choice(("line", "document")), default=None, help=READ["--unit"])
@flags(ReadOptions, "Records", _READING)
@click.option("--limit", cls=Option, heading="Records", metavar="N", type=int, default=None, help=CORPUS["--limit"])
@json_flag
def command(
    sources: tuple[str, ...],
    model: str,
    threshold: float,
    normalizer: str,
    tokenizer: str,
    unit: Unit | None,
    limit: int | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Show how many documents a threshold keeps when FILES are read as cc_net,
    datatrove, edugp, data-juicer and others read theirs, all with one n-gram model.

    \b
    nonplus filter profiles news.jsonl --threshold 300
    nonplus filter profiles news.jsonl -m ngram:en.arpa --tokenizer en.model
    """
    opened = _opened(model, TextOptions(normalizer=normalizer, tokenizer=tokenizer, unit=unit))
    reading = ReadOptions(**fields_set(ReadOptions, options))
    files = profiled_files(sources, opened, threshold=threshold, reading=reading, limit=limit)
    if as_json:
        say_json(files.as_dict())
        return 0
    found = files.profiles
    say_field("read", f"{files.source}, {counted(found.documents, 'document')}")
    if files.rejected:
        say_field("rejected", f"{counted(files.rejected, 'record')} that could not be read")
    if files.without_text:
        say_field("without text", f"{counted(files.without_text, 'document')}, left out")
    say_field("model", f"{found.model}, {opened.protocol.signature}")
    say_field("kept", f"documents with a perplexity below {threshold:,g}")
    say("")
    say_table(_TITLES, _rows(found))
    return 0


def _opened(model: str, text: TextOptions) -> NgramModel:
    check_one(model, "model")
    if text != TextOptions():
        return scorer(model, text)
    opened = open_model(model)
    if not isinstance(opened, NgramModel):
        raise BadModel(
            f"model={model} is no n-gram model, and only of those it is known how other tools read a text; use e.g. "
            f"model={_MODEL} or model=ngram:FILE"
        )
    return opened


def _rows(found: Profiles) -> Iterator[tuple[str, ...]]:
    for each in found.ways:
        low, middle, high = map(figure, each.times)
        yield (
            each.way.name,
            f"{each.kept:,}",
            figure(each.median),
            middle,
            f"{low} to {high}",
            figure(each.correlation, 3),
            f"{each.differ / found.documents:.1%}",
        )
