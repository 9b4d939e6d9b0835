"""``nonplus filter profiles``: what other tools' ways to read a text do."""

from collections.abc import Iterator
from typing import Any

import click

from nonplus.cli.terminal.help_texts import CORPUS, PROFILES, READ
from nonplus.cli.terminal.options import Choice, Option, Verb, fields_set, flags
from nonplus.cli.terminal.printing import say, say_field, say_json
from nonplus.cli.terminal.tables import say_table
from nonplus.corpora import CorpusOptions, open_corpora
from nonplus.errors import BadModel
from nonplus.filtering.profiles import Profiles, profiled
from nonplus.measure.formatting import figure
from nonplus.models import open_model
from nonplus.models.ngram.model import NgramModel
from nonplus.models.ngram.normalizers.aligned import Unit
from nonplus.models.ngram.sources import TextOptions, scorer

_MODEL = "bundled:ngram"
_READ = "Text, if MODEL does not say how it is read"
_CORPUS = {flag: CORPUS[flag] for flag in ("--field", "--limit", "--max-bytes", "--on-bad-row", "--follow-links")}
_TITLES = ("read as by", "kept", "median", "times its own", "1st to 99th percentile", "Spearman", "decided otherwise")


@click.command("profiles", cls=Verb)
@click.argument("sources", nargs=-1, metavar="TEXTS...")
@click.option("-m", "--model", cls=Option, heading="Model", metavar="NAME", default=_MODEL,
              help=f"ngram: with a bundle, an ARPA file or a KenLM binary  [{_MODEL}]")  # fmt: skip
@click.option("--threshold", cls=Option, heading="Model", metavar="PERPLEXITY", type=float, default=200.0,
              help=PROFILES["--threshold"])  # fmt: skip
@click.option("--normalizer", cls=Option, heading=_READ, metavar="NAME", default="", help=READ["--normalizer"])
@click.option("--tokenizer", cls=Option, heading=_READ, metavar="KIND", default="", help=READ["--tokenizer"])
@click.option("--unit", cls=Option, heading=_READ, type=Choice(("line", "document")), default=None, help=READ["--unit"])
@flags(CorpusOptions, "Corpus", _CORPUS)
@click.option("--json", "as_json", cls=Option, heading="Output", is_flag=True,
              help="print one JSON object and nothing else")  # fmt: skip
def command(
    sources: tuple[str, ...],
    model: str,
    threshold: float,
    normalizer: str,
    tokenizer: str,
    unit: Unit | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Show how many documents a threshold keeps when TEXTS are read as cc_net,
    datatrove, edugp, data-juicer and others read theirs, all with one n-gram model.

    \b
    nonplus filter profiles news.jsonl --threshold 300
    nonplus filter profiles news.jsonl -m ngram:en.arpa --tokenizer en.model
    """
    opened = _opened(model, TextOptions(normalizer=normalizer, tokenizer=tokenizer, unit=unit))
    corpus = open_corpora(sources, options=CorpusOptions(**fields_set(CorpusOptions, options)))
    found = profiled(corpus, opened, threshold=threshold)
    if as_json:
        say_json(found.as_dict() | {"source": corpus.source, "skipped": corpus.skipped, "rejected": corpus.rejected})
        return 0
    say_field("texts", corpus.source)
    say_field("model", f"{found.model}, {opened.protocol.signature}")
    say_field("kept", f"documents with a perplexity below {threshold:,g}")
    say("")
    say_table(_TITLES, _rows(found))
    return 0


def _opened(model: str, text: TextOptions) -> NgramModel:
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
