"""From documents to the files of a model."""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import astuple

from nonplus.cautions import warn
from nonplus.errors import BadInput, SuspectInput
from nonplus.files import replacing
from nonplus.measure.records import Document
from nonplus.models.ngram.arpa.writing import check_arpa_free, check_words, write_arpa
from nonplus.models.ngram.bundle import check_free, write_bundle
from nonplus.models.ngram.manifest import Training
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.text.cuts import PieceModel
from nonplus.models.ngram.text.pieces import Pieces
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.splitters import Splitter, chosen_pieces, splitter_of
from nonplus.models.ngram.text.words import NewWords, Words
from nonplus.models.ngram.training.folder import WorkFolder, working
from nonplus.models.ngram.training.kept_text import KEPT, packed_text
from nonplus.models.ngram.training.memory import room_beside, room_to_write
from nonplus.models.ngram.training.meter import WRITTEN, TrainingMeter
from nonplus.models.ngram.training.options import TrainingOptions
from nonplus.models.ngram.training.outputs import Outputs
from nonplus.models.ngram.training.own_pieces import check_same, trained_pieces, trainer
from nonplus.models.ngram.training.reading import Text, TextSizes, read, sizes_of
from nonplus.models.ngram.training.report import TrainingReport
from nonplus.models.ngram.training.trainer import Trained, train

_RULES = ("normalizer", "tokenizer", "unit")  # a manifest has them elsewhere


def train_and_write(
    documents: Iterable[Document | str],
    outputs: Outputs,
    options: TrainingOptions,
    *,
    meter: TrainingMeter,
) -> TrainingReport:
    """Train a model on documents, and write it.

    Finished pieces stay in ``outputs.work`` until the model is written: the same call
    goes on from there after an interruption, once it has read the documents again and
    found them the same.

    Raises:
        BadInput: the documents cannot be read, or an output not be written, or the
            memory is too little.
        BadModel: a tokenizer cannot be opened.
    """
    given_model = _given_model(options)
    if outputs.output is not None:
        check_free(outputs.output)
    if outputs.arpa is not None:
        check_arpa_free(outputs.arpa)
    with working(outputs.work, _conditions(options, given_model)) as folder:
        with ExitStack() as files:
            arpa = None if outputs.arpa is None else files.enter_context(replacing(outputs.arpa))
            subwords = trained_pieces(documents, options, folder, meter) if options.pieces else given_model
            text = _read(documents, subwords, options, folder, meter)
            if arpa is not None:
                with folder.removed_if_refused():
                    check_words(text.words, order=options.order)
            model = train(text, options, meter)
            report = _report(model, sizes_of(folder), options)
            _warn(report)
            meter.begin("writing")
            if outputs.output is not None:
                write_bundle(
                    outputs.output,
                    model,
                    rules=_rules(options, subwords, Words(model.words)),
                    training=_training(report),
                    bits=outputs.quantize,
                    packed=outputs.packed,
                    memory=room_to_write(words=report.words, options=options),
                    further={KEPT: packed_text(text)} if outputs.keep_text else None,
                )
            if arpa is not None:
                write_arpa(arpa, model)
        meter.begin(WRITTEN)
    return report


def _read(
    documents: Iterable[Document | str],
    subwords: PieceModel | None,
    options: TrainingOptions,
    folder: WorkFolder,
    meter: TrainingMeter,
) -> Text:
    """The text in the work folder.

    Raises:
        BadInput: it cannot be read, has no sentence, or has more different words than
            the memory holds.
    """
    rules = _rules(options, subwords, NewWords())
    text = read(documents, rules=rules, vocabulary=options.vocabulary, folder=folder, meter=meter)
    if options.pieces:
        check_same(sizes_of(folder).digest, options, folder)
    with folder.removed_if_refused():
        if not text.counts_V.any():
            raise BadInput("there is no sentence to train on; give documents with text")
        room_beside(words=len(text.words), options=options)
    return text


def _given_model(options: TrainingOptions) -> PieceModel | None:
    """The subword tokenizer of a file, if the options name one."""
    if options.pieces:
        trainer(options)  # before anything is written
    if options.tokenizer in ("words", "bytes") or options.pieces:
        return None
    return chosen_pieces(options.tokenizer, names=("words", "bytes", "sentencepiece:8000"))


def _rules(options: TrainingOptions, subwords: PieceModel | None, vocabulary: NewWords | Words) -> Rules:
    """How a text is read, with the ids of ``vocabulary``."""
    splitter: Splitter
    if subwords is None:
        splitter = splitter_of({"kind": options.tokenizer}, vocabulary)
    else:
        splitter = Pieces(subwords, vocabulary)
    return Rules(named(options.normalizer), splitter, unit=options.unit)


def _conditions(options: TrainingOptions, given_model: PieceModel | None) -> Mapping[str, object]:
    """What unfinished work must have in common with a training that goes on with it."""
    return {
        "order": options.order,
        "prune": options.thresholds,
        "vocabulary": options.vocabulary,
        "exact_lmplz": options.exact_lmplz,
        "normalizer": named(options.normalizer).id,
        "tokenizer": options.tokenizer if given_model is None else hashlib.sha256(given_model.data).hexdigest(),
        "unit": options.unit or named(options.normalizer).unit,
    }


def _report(model: Trained, sizes: TextSizes, options: TrainingOptions) -> TrainingReport:
    return TrainingReport(
        order=options.order,
        counts=model.counts,
        counts_before_pruning=model.all_counts,
        discounts=model.discounts,
        words=len(model.words),
        documents=sizes.documents,
        sentences=sizes.sentences,
        tokens=sizes.tokens,
        bytes=sizes.bytes,
        text_sha256=sizes.digest,
        options={
            "order": options.order,
            "prune": list(options.thresholds),
            "vocabulary": options.vocabulary,
            "exact_lmplz": options.exact_lmplz,
            "normalizer": named(options.normalizer).id,
            "tokenizer": options.tokenizer,
            "unit": options.unit or named(options.normalizer).unit,
        },
    )


def _warn(report: TrainingReport) -> None:
    odd = [str(order) for order, each in enumerate(report.discounts, 1) if not each.estimated]
    if odd == ["1"] and report.options["tokenizer"] == "bytes":
        warn(
            "there are only 256 bytes, which are too few to estimate the discounts of order 1; 0.5, 1 and 1.5 are used "
            "there",
            SuspectInput,
        )
    elif odd:
        orders = f"order {odd[0]}" if len(odd) == 1 else f"the orders {', '.join(odd)}"
        warn(
            f"the text is too small, or repeats itself too much, to estimate the discounts of {orders}; 0.5, 1 and 1.5 "
            "are used there, and the model may be poor",
            SuspectInput,
        )


def _training(report: TrainingReport) -> Training:
    return Training(
        text_sha256=report.text_sha256,
        bytes=report.bytes,
        tokens=report.tokens,
        options={name: value for name, value in report.options.items() if name not in _RULES},
        discounts=tuple(astuple(each)[:3] for each in report.discounts),
    )
