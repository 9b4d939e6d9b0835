"""Perplexity in the Hugging Face Trainer: surprisals of each step, not logits.

``exp(eval_loss)`` is not the perplexity of the evaluation set: it averages the means of
the batches, so a short batch counts as much as a long one, and the batch size changes
it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from nonplus.errors import BadInput
from nonplus.kernels.dispatch import backend_of
from nonplus.kernels.targets import ignored_ids
from nonplus.kernels.token_nll import TokenNats, token_nll
from nonplus.measure.report import Report
from nonplus.metrics.accumulator import Accumulator
from nonplus.metrics.batch_sums import ArrayExtras, batch_sums
from nonplus.metrics.input_checks import suspect_alignment, suspect_nats, warn
from nonplus.metrics.options import Check, MetricOptions

_PAD = -100  # the Trainer pads labels and predictions of ragged batches and ranks with it

Array = NDArray[Any]


@final
class TrainerPerplexity:
    """Two arguments for the Trainer, and the report on its latest evaluation.

    ::

        metric = TrainerPerplexity()
        trainer = Trainer(
            ...,
            preprocess_logits_for_metrics=metric.preprocess_logits_for_metrics,
            compute_metrics=metric.compute_metrics,
        )
        trainer.evaluate()["eval_perplexity"]

    The result does not depend on the batch size or on how ranks divide the set, except
    through the model's own forward pass. A row is a document: rows are the clusters of
    the interval. If rows are padded on the left, the mask is needed to tell padding
    from a prompt labelled -100, because padding does not predict the token after it:
    ``TrainingArguments(label_names=["labels", "attention_mask"])``. The same holds if
    all rows have one length and only some begin with such a prompt.

    ``shift`` is true for models that predict the next token of labels that are their
    input (``…ForCausalLM``), and false if each label is at the place of its own
    prediction (masked and encoder-decoder models, or a collator that shifts). Labels of
    -100 and those in ``ignore_index`` do not count. ``byte_counts`` (V,) holds the
    number of bytes of text of each token id, and gives bits per byte. ``check`` is as
    in :class:`nonplus.metrics.Perplexity`.

    A model that puts virtual tokens before a text (prompt tuning, p-tuning) returns
    more rows of logits than there are labels: the last belong to the labels. As without
    virtual tokens, the first token of a row is not scored.

    If training stops in the middle of an evaluation with ``batch_eval_metrics=True``,
    call ``reset`` before the next one.
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
        self._checked = False
        self._report: Report | None = None
        self.reset()

    def reset(self) -> None:
        """Remove the batches of an unfinished evaluation."""
        self._sums = Accumulator(protocol=self._protocol)
        self._virtual: int | None = None  # rows of logits without a label, in this evaluation

    @property
    def report(self) -> Report:
        """The report on the latest evaluation.

        Raises:
            BadInput: no evaluation has finished.
        """
        if self._report is None:
            raise BadInput(
                "no evaluation has finished; call trainer.evaluate() first, with compute_metrics of this object"
            )
        return self._report

    def preprocess_logits_for_metrics(self, logits: Any, labels: Any) -> tuple[Any, Any]:
        """Surprisals of ``labels`` (B, T) in nats, and 1 where they count.

        ``logits`` are what the model returned besides its loss: (B, T, V), with further
        rows before these if it has virtual tokens, or several tensors that include
        those. ``labels`` may be a pair of labels and mask.

        Raises:
            BadInput: no labels, no logits that fit them, or as in
                :func:`~nonplus.kernels.token_nll.token_nll`.
            BadProbability: a row of logits that leaves no distribution.
        """
        labels, marks = labels if isinstance(labels, tuple) else (labels, None)
        mask, shift = None if marks is None else marks * (marks != _PAD), self._options.shift
        scores = self._of_labels(_logits_of(logits, labels), labels)
        nats, kept = self._nll(scores, labels, mask, shift, "raise")
        if mask is None and shift:
            _refuse_left_padding(labels != _PAD)
        if self._options.checks(checked=self._checked):
            self._checked = True
            warn(suspect_alignment(self._nll, scores, labels, mask, shift=shift))
            warn(suspect_nats(_as_numpy(nats), _as_numpy(kept), vocabulary=scores.shape[-1]))
        # integers, because the Trainer pads with -100, which would be true as a bool
        return nats, kept.to(labels.dtype)

    def compute_metrics(self, evaluation: Any, compute_result: bool = True) -> dict[str, float]:
        """Figures for the log, from the results of the other hook.

        With ``compute_result`` false, batches are only added.

        Raises:
            BadInput: the predictions are logits, because the Trainer does not have the
                other hook; or no label counts.
        """
        for (nats, kept), labels, masked in _batches(evaluation):
            extras = ArrayExtras(n_bytes=self._n_bytes(labels, kept))
            sums = batch_sums(nats, kept, extras, shift=self._options.shift, exclude_nonfinite=False)
            self._sums.add(Accumulator.of(sums, replace(self._protocol, masked=masked)))
        if not compute_result:
            return {}
        evaluated = self._sums
        self.reset()
        self._report = self._options.report(evaluated)
        return _logged(self._report)

    def _of_labels(self, scores: Tensor, labels: Tensor) -> Tensor:
        """The last rows, one for each label.

        Raises:
            BadInput: the number of rows before them is not always the same.
        """
        virtual = scores.shape[-2] - labels.shape[-1]
        known, self._virtual = self._virtual, virtual
        if known is not None and known != virtual:
            raise BadInput(
                f"a model puts the same number of virtual tokens before each text, got {known} and then {virtual} rows "
                "of logits without a label; pass a label for each place that the model predicts"
            )
        return scores[..., virtual:, :]

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
                f"byte_counts has {len(self._bytes_V)} entries, and a label is {ids.max()}; "
                f"pass a count for each id of the tokenizer, including special tokens"
            )
        return np.where(kept, self._bytes_V[ids], 0)


def _logits_of(outputs: Any, labels: Any) -> Tensor:
    """The tensor with a row of scores for each label, and the fewest others."""
    if labels is None:
        raise BadInput(
            "the Trainer passed no labels; add labels to the data set, or use a Trainer without these hooks for "
            "trainer.predict on texts without labels"
        )
    several = outputs if isinstance(outputs, tuple) else (outputs,)
    tensors = [each for each in several if isinstance(each, Tensor)]
    alike = [each for each in tensors if each.ndim == labels.ndim + 1 and each.shape[:-2] == labels.shape[:-1]]
    enough = [each for each in alike if each.shape[-2] >= labels.shape[-1]]
    if enough:
        return min(enough, key=lambda each: each.shape[-2])
    raise BadInput(
        f"labels of shape {tuple(labels.shape)} need logits of shape (B, T, V), and the model returned "
        f"{', '.join(str(tuple(each.shape)) for each in tensors)}; pass a label for each place that the model predicts"
    )


def _refuse_left_padding(real_BT: Tensor) -> None:
    """Refuse a batch in which some rows begin later, and none ends earlier."""
    if not real_BT.any():
        return
    last = int(real_BT.any(0).nonzero().max())  # beyond it other ranks have longer rows
    begins, ends = real_BT[:, 0], real_BT[:, last]
    if ends.all() and begins.any() and not begins.all():
        raise BadInput(
            "some rows begin with labels of -100, others with a token, and all end with a token: either rows are "
            "padded on the left, or some begin with a prompt labelled -100; labels alone do not tell which, and "
            "padding does not predict the token after it; let the Trainer pass the mask: "
            'TrainingArguments(label_names=["labels", "attention_mask"])'
        )


def _batches(evaluation: Any) -> Iterator[tuple[tuple[Array, Array], Array, bool]]:
    """Surprisals and where they count, labels, and whether there is a mask.

    The Trainer concatenates all batches unless ``eval_do_concat_batches`` is off.
    """
    predictions, labels = evaluation.predictions, evaluation.label_ids
    several = isinstance(predictions, list)
    for each, of_each in zip(predictions, labels, strict=True) if several else [(predictions, labels)]:
        masked = isinstance(of_each, tuple)
        yield _surprisals(each), _as_numpy(of_each[0] if masked else of_each), masked


def _surprisals(predictions: Any) -> tuple[Array, Array]:
    if not (isinstance(predictions, tuple) and len(predictions) == 2 and predictions[0].shape == predictions[1].shape):
        raise BadInput(
            "compute_metrics needs the results of preprocess_logits_for_metrics of the same object, and got "
            "something else; pass both to the Trainer"
        )
    nats, marks = map(_as_numpy, predictions)
    return nats, marks == 1


def _as_numpy(values: Any) -> Array:
    """A tensor (with ``batch_eval_metrics``) or an array, as NumPy."""
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
