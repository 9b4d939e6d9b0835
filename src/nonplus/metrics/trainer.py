"""Perplexity in the Hugging Face Trainer: surprisals are kept of each step, not logits, which are V times more.

``exp(eval_loss)`` is no perplexity of the evaluation set: it is a mean of batches' means, so a short batch counts as
much as a long one, and it moves with the batch size.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from nonplus.errors import BadInput
from nonplus.kernels.dispatch import backend_of
from nonplus.kernels.token_nll import TokenNats, ignored_ids, token_nll
from nonplus.measure.report import Report
from nonplus.metrics.accumulator import Accumulator
from nonplus.metrics.batch_sums import Beside, batch_sums
from nonplus.metrics.input_checks import suspect_alignment, suspect_nats, warn
from nonplus.metrics.options import Check, MetricOptions

_PAD = -100  # what the Trainer fills ragged batches and ranks up with, labels and predictions alike

Array = NDArray[Any]


@final
class TrainerPerplexity:
    """Two of the Trainer's arguments, and the figures of its latest evaluation.

    ::

        metric = TrainerPerplexity()
        trainer = Trainer(
            ...,
            preprocess_logits_for_metrics=metric.preprocess_logits_for_metrics,
            compute_metrics=metric.compute_metrics,
        )
        trainer.evaluate()["eval_perplexity"]

    The result does not depend on the batch size or on how ranks divide the set, beyond what the model's own forward
    pass does. A row is a document: rows are the clusters of the interval. Where rows are padded on the left, or look so
    because all are as long and only some begin with a prompt of -100, the mask has to tell a pad from a prompt, as
    nothing real predicts a token that follows a pad:
    ``TrainingArguments(label_names=["labels", "attention_mask"])``.

    ``shift`` is true for models that predict the next token of labels that are their input (those named
    ``…ForCausalLM``), and false where a label lies under its own prediction (masked and encoder-decoder models, or a
    collator that shifted already). Labels of -100 and those in ``ignore_index`` are not counted. ``byte_counts`` (V,)
    has the bytes of text that each token id stands for, which gives bits per byte. ``check`` is as in
    :class:`nonplus.metrics.Perplexity`.

    Training that stops in the middle of an evaluation with ``batch_eval_metrics=True`` leaves half of one behind:
    ``reset`` before the next.
    """

    def __init__(
        self,
        *,
        shift: bool = True,
        ignore_index: int | Iterable[int] = (),
        byte_counts: ArrayLike | None = None,
        check: Check = "first",
        level: float = 0.95,
    ) -> None:
        ignored = (_PAD, *ignored_ids(ignore_index))
        self._options = MetricOptions(shift=shift, ignore_index=ignored, check=check, level=level)
        self._protocol = replace(self._options.protocol, kinds=("logits",))
        self._bytes_V = None if byte_counts is None else np.asarray(byte_counts)
        self._looked = False
        self._report: Report | None = None
        self.reset()

    def reset(self) -> None:
        """Forget the batches of an evaluation that did not come to its end."""
        self._sums = Accumulator(protocol=self._protocol)

    @property
    def report(self) -> Report:
        """The latest evaluation in full, with its conditions.

        Raises:
            BadInput: there was none yet.
        """
        if self._report is None:
            raise BadInput(
                "no evaluation is over yet; call trainer.evaluate() first, with compute_metrics of this object"
            )
        return self._report

    def preprocess_logits_for_metrics(self, logits: Any, labels: Any) -> tuple[Any, Any]:
        """Surprisals of ``labels`` (B, T) in nats, and 1 where they count; both shaped like ``labels``.

        ``logits`` are what the model gave beside its loss: (B, T, V), or several tensors with those among them.
        ``labels`` may be a pair of labels and mask.

        Raises:
            BadInput: no labels, or no logits that fit them; or as :func:`~nonplus.kernels.token_nll.token_nll` says.
            BadProbability: a row of logits that leaves no distribution.
        """
        labels, marks = labels if isinstance(labels, tuple) else (labels, None)
        mask, shift = None if marks is None else marks * (marks != _PAD), self._options.shift
        scores = _logits_of(logits, labels)
        nats, kept = self._nll(scores, labels, mask, shift, "raise")
        if mask is None and shift:
            _refuse_left_padding(labels != _PAD)
        if self._options.looks(self._looked):
            self._looked = True
            warn(suspect_alignment(self._nll, scores, labels, mask, shift=shift))
            warn(suspect_nats(_host(nats), _host(kept), vocabulary=scores.shape[-1]))
        # Whole numbers, because the Trainer fills up with -100, and as a bool that would be true.
        return nats, kept.to(labels.dtype)

    def compute_metrics(self, evaluation: Any, compute_result: bool = True) -> dict[str, float]:
        """Figures for the log, from what the other hook gave; with ``compute_result`` false, batches are only added.

        Raises:
            BadInput: logits came, so the other hook was not given to the Trainer; or no label counts.
        """
        for (nats, kept), labels, masked in _batches(evaluation):
            beside = Beside(n_bytes=self._n_bytes(labels, kept))
            sums = batch_sums(nats, kept, beside, shift=self._options.shift, exclude_nonfinite=False)
            self._sums.add(Accumulator.of(sums, replace(self._protocol, masked=masked)))
        if not compute_result:
            return {}
        whole = self._sums
        self.reset()
        self._report = self._options.report(whole)
        return _logged(self._report)

    def _nll(
        self, scores: Tensor, labels: Tensor, mask: Tensor | None, shift: bool, become: Literal["raise", "nan"] = "nan"
    ) -> TokenNats:
        ignored = self._options.ignore_index
        return token_nll(scores, labels, shift=shift, ignore_index=ignored, mask=mask, on_nonfinite=become)

    def _n_bytes(self, labels: Array, kept: Array) -> Array | None:
        if self._bytes_V is None:
            return None
        ids = np.where(kept, labels, 0)
        if ids.max(initial=0) >= len(self._bytes_V):
            raise BadInput(
                f"byte_counts has the bytes of {len(self._bytes_V)} ids, and {ids.max()} is among the labels; "
                f"give one for each id of the tokenizer, special ones included"
            )
        return np.where(kept, self._bytes_V[ids], 0)


def _logits_of(outputs: Any, labels: Any) -> Tensor:
    """The first tensor that has a row of scores for each label: beside it lie hidden states, caches, other losses."""
    if labels is None:
        raise BadInput(
            "the Trainer gave no labels to measure against; put labels into the data set, or for trainer.predict "
            "on texts without any use a Trainer without these hooks"
        )
    several = outputs if isinstance(outputs, tuple) else (outputs,)
    tensors = [each for each in several if isinstance(each, Tensor)]
    for each in tensors:
        if each.ndim == labels.ndim + 1 and each.shape[:-1] == labels.shape:
            return each
    raise BadInput(
        f"logits of shape (B, T, V) are needed for labels of shape {tuple(labels.shape)}, and the model gave "
        f"{', '.join(str(tuple(each.shape)) for each in tensors)}; give a label for each place that the model predicts"
    )


def _refuse_left_padding(real_BT: Tensor) -> None:
    """Refuse a batch in which some rows begin later than others, and none ends earlier."""
    if not real_BT.any():
        return
    last = int(real_BT.any(0).nonzero().max())  # beyond it other ranks have longer rows
    begins, ends = real_BT[:, 0], real_BT[:, last]
    if ends.all() and begins.any() and not begins.all():
        raise BadInput(
            "some rows begin with labels of -100, others with a token, and all end with one; either they are padded on "
            "the left, and the first token of some has a pad before it that predicts nothing, or some have a prompt "
            "that does not count and none is padded; labels do not tell which, so let the Trainer hand over the mask: "
            'TrainingArguments(label_names=["labels", "attention_mask"])'
        )


def _batches(evaluation: Any) -> Iterator[tuple[tuple[Array, Array], Array, bool]]:
    """Surprisals and where they count, labels, and whether a mask came with these.

    All batches are one unless ``eval_do_concat_batches`` is off.
    """
    predictions, labels = evaluation.predictions, evaluation.label_ids
    several = isinstance(predictions, list)
    for each, of_each in zip(predictions, labels, strict=True) if several else [(predictions, labels)]:
        masked = isinstance(of_each, tuple)
        yield _surprisals(each), _host(of_each[0] if masked else of_each), masked


def _surprisals(predictions: Any) -> tuple[Array, Array]:
    if not (isinstance(predictions, tuple) and len(predictions) == 2 and predictions[0].shape == predictions[1].shape):
        raise BadInput(
            "compute_metrics takes what preprocess_logits_for_metrics of the same object made, and something else "
            "came; give the Trainer both"
        )
    nats, marks = map(_host, predictions)
    return nats, marks == 1


def _host(values: Any) -> Array:
    """A tensor (``batch_eval_metrics``) or an array as an array."""
    return np.asarray(backend_of(values).concrete(values))


def _logged(report: Report) -> dict[str, float]:
    figures = {
        "perplexity": report.perplexity,
        "log_perplexity": report.log_perplexity,
        "bits_per_token": report.bits_per_token,
        "bits_per_byte": report.bits_per_byte,
        "tokens": report.tokens,
    }
    if report.interval is not None:
        figures |= {"perplexity_low": report.interval.low, "perplexity_high": report.interval.high}
    return {name: value for name, value in figures.items() if value is not None}
