"""``nonplus ngram train``: texts to a model of their n-grams."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from nonplus.cli.ngram.written import as_flags, in_place_of, left_in, summed
from nonplus.cli.terminal.help_texts import CORPUS, TRAINED, TRAINING
from nonplus.cli.terminal.interruption import Stop
from nonplus.cli.terminal.notices import note, wrote
from nonplus.cli.terminal.options import Option, Verb, field_of, fields_set, flags, json_flag
from nonplus.cli.terminal.printing import say_field, say_json
from nonplus.cli.terminal.progress import TrainingGauge, shown
from nonplus.corpora import Corpus, CorpusOptions, open_corpora
from nonplus.measure.formatting import counted, figure
from nonplus.models.ngram.training.meter import TrainingMeter
from nonplus.models.ngram.training.options import TrainingOptions
from nonplus.models.ngram.training.outputs import Outputs
from nonplus.models.ngram.training.report import TrainingReport
from nonplus.models.ngram.training.whole import train_and_write

_SMALL = "the text is too small"
_USED = ("field", "id_field", "limit", "max_bytes", "on_bad_row", "follow_links")
_CORPUS = {flag: text for flag, text in CORPUS.items() if field_of(flag) in _USED}


@click.command("train", cls=Verb, lists=["--prune"])
@click.argument("sources", nargs=-1, metavar="TEXTS...")
@click.option("-o", "--output", cls=Option, heading="Output", metavar="FOLDER", type=click.Path(path_type=Path),
              help="write a bundle, which knows how its text was read")  # fmt: skip
@flags(Outputs, "Output", TRAINED)
@json_flag
@flags(TrainingOptions, "Model", TRAINING)
@flags(CorpusOptions, "Corpus", _CORPUS)
def command(sources: tuple[str, ...], as_json: bool, **options: Any) -> int:
    """Train a model of the n-grams of TEXTS: files, folders, or the text itself.

    Interpolated modified Kneser-Ney. After an interruption the same command goes on
    with what is finished, which lies in FOLDER.training until the model is there.

    \b
    nonplus ngram train news.jsonl -o news-model
    nonplus ngram train books/ -o books --order 5 --prune 0 0 1 --arpa books.arpa
    """
    outputs, corpus_options = Outputs(**fields_set(Outputs, options)), fields_set(CorpusOptions, options)
    chosen = TrainingOptions(**fields_set(TrainingOptions, options))
    outputs.check_kept([Path(source) for source in sources if os.path.exists(source)])
    corpus = open_corpora(sources, options=CorpusOptions(**corpus_options))
    meter = TrainingMeter()
    written = {path: in_place_of(path.exists()) for path in (outputs.output, outputs.arpa) if path is not None}
    try:
        with shown(TrainingGauge(meter)):
            report = train_and_write(corpus, outputs, chosen, meter=meter)
    except Stop as stop:
        note(f"stopped by {stop.by}; {left_in(outputs.work, meter)}")
        return stop.code
    if as_json:
        say_json({**report.as_dict(), "skipped_documents": corpus.skipped, "rejected_rows": corpus.rejected})
    else:
        for name, value in _lines(corpus, report):
            say_field(name, value)
    for path, earlier in written.items():
        wrote(path, counted(sum(report.counts), "n-gram") + earlier)
    return 0


def _lines(corpus: Corpus, report: TrainingReport) -> Iterator[tuple[str, str]]:
    yield "read", corpus.source
    if corpus.rejected:
        yield "rejected", f"{counted(corpus.rejected, 'row')} that could not be read"
    if corpus.skipped:
        yield "skipped", f"{counted(corpus.skipped, 'document')} without text"
    sizes = ((report.sentences, "sentence"), (report.tokens, "token"), (report.bytes, "byte"))
    yield "text", ", ".join(counted(*each) for each in sizes)
    yield "vocabulary", f"{counted(report.words, 'word')}, <unk>, <s> and </s> among them"
    yield "n-grams", summed(report.counts)
    if report.counts != report.counts_before_pruning:
        yield "  unpruned", " + ".join(f"{count:,}" for count in report.counts_before_pruning)
    yield "discounts", "of n-grams with a count of 1, of 2, of 3 or more"
    for order, each in enumerate(report.discounts, 1):
        few = "there are only 256 bytes" if order == 1 and report.options["tokenizer"] == "bytes" else _SMALL
        used = "" if each.estimated else f"; not estimated: {few}"
        yield f"  of order {order}", f"{figure(each.one)}, {figure(each.two)}, {figure(each.more)}{used}"
    yield "options", as_flags(report.options)
