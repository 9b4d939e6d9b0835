"""``nonplus ngram prune``: a model with fewer n-grams."""

import math
from pathlib import Path

import click

from nonplus.cli.ngram.written import left_in, say_written, summed, writes
from nonplus.cli.terminal.help_texts import PRUNING
from nonplus.cli.terminal.interruption import Stop
from nonplus.cli.terminal.notices import note
from nonplus.cli.terminal.options import Option, Verb, whole_numbers
from nonplus.cli.terminal.printing import say_field, say_json
from nonplus.cli.terminal.progress import TrainingGauge, shown
from nonplus.measure.formatting import counted
from nonplus.models.ngram.converting import Form
from nonplus.models.ngram.pruning.files import PruneOptions, prune
from nonplus.models.ngram.training.folder import work_beside
from nonplus.models.ngram.training.meter import TrainingMeter


@click.command("prune", cls=Verb, lists=["--counts"])
@click.argument("model", metavar="MODEL")
@click.option("--entropy", cls=Option, heading="How much", metavar="PART", type=float, default=None,
              help=PRUNING["--entropy"])  # fmt: skip
@click.option("--ngrams", cls=Option, heading="How much", metavar="N", type=int, default=None,
              help=PRUNING["--ngrams"])  # fmt: skip
@click.option("--to-bytes", cls=Option, heading="How much", metavar="SIZE", default=None,
              help=PRUNING["--to-bytes"])  # fmt: skip
@click.option("--counts", cls=Option, heading="How much", metavar="N...", callback=whole_numbers, default=None,
              help=PRUNING["--counts"])  # fmt: skip
@click.option("--memory", cls=Option, heading="How much", metavar="SIZE", default="", help=PRUNING["--memory"])
@writes
def command(
    model: str,
    output: Path,
    entropy: float | None,
    ngrams: int | None,
    to_bytes: str | None,
    counts: tuple[int, ...] | None,
    memory: str,
    quantize: int | None,
    packed: bool | None,
    as_json: bool,
) -> int:
    """Write MODEL without the n-grams that its predictions miss least.

    What an n-gram is worth is the relative entropy of the model without it (Stolcke
    1998). Back-off weights are computed anew, so that probabilities still sum to 1. By
    counts, the model is estimated again from the text that it keeps; after an
    interruption the same command goes on.

    \b
    nonplus ngram prune news -o small --to-bytes 6M --quantize 8
    nonplus ngram prune news.arpa -o small.arpa --entropy 1e-8
    nonplus ngram prune news -o frequent --counts 0 0 1
    """
    options = PruneOptions(entropy=entropy, ngrams=ngrams, to_bytes=to_bytes, counts=counts, memory=memory)
    form, meter = Form(quantize=quantize, packed=packed), TrainingMeter()
    earlier = output.exists()
    try:
        with shown(TrainingGauge(meter)):
            pruned = prune(model, output, options=options, form=form, meter=meter)
    except Stop as stop:
        note(f"stopped by {stop.by}; {left_in(work_beside(output), meter)}")
        return stop.code
    if as_json:
        say_json(pruned.as_dict())
        return 0
    say_field("n-grams before", summed(pruned.counts_before))
    say_field("size before", counted(pruned.bytes_before, "byte"))
    say_written(pruned.written, earlier=earlier)
    if pruned.threshold is not None:
        say_field("entropy", f"{pruned.threshold:.3g}: the least rise of perplexity by an n-gram that stayed")
    if pruned.divergence is not None:
        rise = math.expm1(pruned.divergence)
        say_field("perplexity", f"about {rise:.2%} higher on text that follows the model")
    return 0
