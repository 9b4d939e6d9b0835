"""A model without rare n-grams: estimated again from the text that its bundle keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from nonplus.errors import BadProtocol
from nonplus.models.ngram.converting import Form, Written, write
from nonplus.models.ngram.sources import Source
from nonplus.models.ngram.training.folder import work_beside, working
from nonplus.models.ngram.training.kept_text import KeptText, unpacked_text
from nonplus.models.ngram.training.memory import room_to_write
from nonplus.models.ngram.training.meter import WRITTEN, TrainingMeter
from nonplus.models.ngram.training.options import TrainingOptions, check_thresholds
from nonplus.models.ngram.training.trainer import train


def write_again(
    given: Source, out: Path, form: Form, *, counts: tuple[int, ...], memory: str, meter: TrainingMeter
) -> Written:
    """Write the model that a training with ``prune=counts`` makes of the same text.

    What is finished stays beside ``out`` until the model is written: the same call goes
    on from there after an interruption.

    Raises:
        BadProtocol: the model keeps no text.
        BadModel: the text is damaged.
        BadInput: the thresholds do not fit, the memory is too little, or a file cannot
            be read or written.
    """
    kept = given.text
    if kept is None:
        raise BadProtocol(_refusal(given, counts))
    order, words = len(given.ngrams.counts), given.ngrams.words
    check_thresholds(counts, order=order, option="counts")
    exact = kept.training.options.get("exact_lmplz") is True
    options = TrainingOptions(order=order, prune=counts, exact_lmplz=exact, memory=memory)
    with working(work_beside(out), _conditions(kept, options)) as folder:
        meter.begin("reading")
        model = train(unpacked_text(kept, words, folder), options, meter)
        meter.begin("writing")
        training = replace(kept.training, options={**kept.training.options, "prune": list(options.thresholds)})
        # Rounded values and measured quantiles were of the model before.
        again = replace(given, ngrams=model, training=training, errors=(), quantiles=None, pruned=())
        written = write(again, out, form, memory=room_to_write(words=len(words), options=options))
        meter.begin(WRITTEN)
    return written


def _conditions(kept: KeptText, options: TrainingOptions) -> Mapping[str, object]:
    """What unfinished work must have in common with a pruning that goes on with it."""
    return {
        "text": kept.sha256,
        "order": options.order,
        "counts": options.thresholds,
        "exact_lmplz": options.exact_lmplz,
    }


def _refusal(given: Source, counts: Sequence[int]) -> str:
    """Why a model is not pruned by counts, and how to train one that is."""
    stated = given.training.options if given.training is not None else {}
    as_before = "".join(f" {name}={stated[name]}" for name in ("order", "vocabulary") if stated.get(name))
    shown = ",".join(map(str, counts))
    return (
        f"counts={shown} needs how often each n-gram occurs in the text, which a model does not keep; train again on "
        f"the text, with{as_before} prune={shown}, or with keep_text=True to prune by any counts later; or prune by "
        "what n-grams are worth, e.g. with entropy=1e-8"
    )
