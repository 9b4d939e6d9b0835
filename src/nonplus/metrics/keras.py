"""Perplexity as a Keras metric, on any backend of Keras 3."""

import importlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Self

import numpy as np

from nonplus.errors import BadInput, BadProtocol
from nonplus.kernels.dispatch import backend_of
from nonplus.kernels.token_nll import Kind, TokenNats, ignored_ids, token_nll
from nonplus.measure.statistics.tally import Tally
from nonplus.metrics.input_checks import suspect_alignment, suspect_nats, suspect_rows, warn
from nonplus.metrics.options import Check, MetricOptions
from nonplus.metrics.result import Figures
from nonplus.optional import require

require("keras", purpose="a Keras metric")

import keras  # noqa: E402
from keras import ops  # noqa: E402

# Not public, and there is no other way: to Keras a mask is a note on a tensor, and a model is first built on made-up
# values, which no look should be taken at.
from keras.src.backend import get_keras_mask, in_stateless_scope  # noqa: E402

from nonplus.metrics.int32_sums import (  # noqa: E402
    FACTOR_WIDTH,
    WIDTH,
    carried,
    counts,
    digits_of,
    floating,
    product_sums,
    row_sums,
    whole,
    widened,
)

# Weights are from one to the other, or zero. Surprisals from 2**30 nats on count as probability zero, so that the
# largest number that is added, a surprisal's square with its weight, is below 2**80.
_SMALLEST_WEIGHT, _LARGEST_WEIGHT = 2.0**-20, 2.0**20
_IMPOSSIBLE = 2.0**30

# The rows of the state. The first three and the last three are in units of the tally's, all others count.
_SUMS = ("nats", "tokens", "squares", "documents", "scored", "ignored", "zeros", "nonfinite", "masked", "weighted")
_MOMENTS = ("nats_nats", "nats_tokens", "tokens_tokens")
_ROW = {name: row for row, name in enumerate(_SUMS + _MOMENTS)}


@keras.saving.register_keras_serializable(package="nonplus")
class Perplexity(keras.metrics.Metric):  # type: ignore[misc]  # Keras ships no types
    """Perplexity of ``y_true`` (B, T) under ``y_pred`` (B, T, V), place for place.

    ``y_pred`` are probabilities, divided by their sum, or with ``from_logits`` logits. Tokens equal to
    ``mask_token_id`` or (one of) ``ignore_index`` do not count, nor those that the model's mask leaves out; all others
    count as ``sample_weight`` says, with weights from 2**-20 to 2**20, or 0. ``check`` says on which batches a look is
    taken for input that was probably not meant (``first``, ``always`` or ``never``); it can be taken only where nothing
    is compiled.

    All sums are whole numbers, exact and the same in any order of batches, whatever ``dtype`` is: that is there for the
    sake of code that sets it. The result is float32. It is infinite where a token had probability zero, or 2**30 nats
    or more, and not a number where nothing came yet, where a row left no distribution, and where, compiled, a target
    was outside the vocabulary or a weight out of its range. :meth:`figures` tells such cases apart.
    """

    def __init__(
        self,
        from_logits: bool = False,
        mask_token_id: int | None = None,
        dtype: Any = None,
        name: str = "perplexity",
        *,
        ignore_index: int | Iterable[int] | None = None,
        check: Check = "first",
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        ids = (*ignored_ids(mask_token_id), *ignored_ids(ignore_index))
        kind: Kind = "logits" if from_logits else "probs"
        self._choices = MetricOptions(kind=kind, ignore_index=ids, check=check, on_nonfinite="exclude")
        self._config = {
            "from_logits": from_logits,
            "mask_token_id": mask_token_id,
            "ignore_index": ignore_index if ignore_index is None else list(ignored_ids(ignore_index)),
            "check": check,
        }
        self._looked = False
        self._digits = self.add_variable((len(_ROW), WIDTH), "zeros", dtype="int32", name="digits")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch in. ``sample_weight`` is for each token, (B, T), or each row, (B,) or (B, 1).

        Raises:
            BadInput: shapes that do not fit and, where nothing is compiled, a weight out of its range, or a target
                outside the vocabulary, with its place.
        """
        mask = get_keras_mask(y_pred)
        scores = ops.convert_to_tensor(y_pred)
        targets = y_true if isinstance(y_true, (list, tuple)) else _without_last_of_one(y_true, len(scores.shape))
        backend = backend_of(scores)
        targets = backend.integers(targets, like=scores)
        if len(targets.shape) == 1:  # one prediction in each row
            scores, targets = scores[:, None], targets[:, None]
            mask = None if mask is None else mask[:, None]
        measured = self._nll(scores, targets, mask)
        self._look(measured, scores, targets, mask)
        nats = ops.cast(measured.nats, "float32")  # the same on every backend
        left_out = ops.zeros_like(measured.kept) if mask is None else ops.cast(mask, "int32") == 0
        weights = _weights(sample_weight, nats)
        batch = (_rows(each) for each in (nats, measured.kept, weights, left_out))
        self._digits.assign(_added(ops.convert_to_tensor(self._digits), *batch))

    def result(self) -> Any:
        """The perplexity, a float32."""
        with np.errstate(over="ignore"):  # where NumPy is the backend
            return _perplexity(ops.convert_to_tensor(self._digits))

    def figures(self, *, level: float = 0.95) -> Figures:
        """All that the sums say: log-perplexity, bits, interval clustered by row, counts, conditions.

        Not inside compiled code. Tokens without a distribution are left out, and counted.

        Raises:
            BadInput: nothing counts yet.
        """
        digits = ops.convert_to_tensor(self._digits)
        held = backend_of(digits).concrete(digits)
        if held is None:
            raise BadInput("figures are read outside of compiled code, got sums without a value; inside, call result()")
        sums: dict[str, Any] = {name: whole(held[row]) for name, row in _ROW.items()}
        masked, weighted = sums.pop("masked") > 0, sums.pop("weighted") > 0
        tally = Tally(**sums, unsized=sums["scored"], unworded=sums["scored"])
        if not tally.tokens:
            raise BadInput(
                f"a perplexity is of tokens that count, got {tally.ignored} that do not; update with some first"
            )
        kinds = (self._choices.kind,)
        conditions = replace(self._choices.conditions, kinds=kinds, masked=masked, weighted=weighted)
        return Figures(tally=tally, conditions=conditions, level=level)

    def merge_state(self, metrics: Iterable[Self]) -> None:
        """Add the sums of other metrics, of other processes for instance, which are left as they are.

        Raises:
            BadProtocol: one of them counts other tokens, or scores of another kind; nothing is added then.
        """
        others = tuple(metrics)
        for other in others:
            self._choices.conditions.joined(other._choices.conditions)
            if other._choices.kind != self._choices.kind:
                raise BadProtocol(
                    f"sums are added where scores mean the same, got those of {self._choices.kind} and of "
                    f"{other._choices.kind}; make both metrics with the same from_logits"
                )
        for other in others:
            self._digits.assign(carried(self._digits + other._digits))

    def get_config(self) -> dict[str, Any]:
        """What :meth:`from_config` makes the same metric of."""
        return {**super().get_config(), **self._config}

    def _nll(self, scores: Any, targets: Any, mask: Any, shift: bool = False) -> TokenNats:
        return token_nll(
            scores,
            targets,
            kind=self._choices.kind,
            shift=shift,
            ignore_index=self._choices.ignore_index,
            mask=mask,
            on_nonfinite="nan",
        )

    def _look(self, measured: TokenNats, scores: Any, targets: Any, mask: Any) -> None:
        if not self._choices.looks(self._looked) or in_stateless_scope():
            return
        backend = backend_of(scores)
        nats, kept = backend.concrete(measured.nats), backend.concrete(measured.kept)
        if nats is None or kept is None:
            return
        self._looked = True
        warn(suspect_rows(scores, self._choices.kind))
        warn(suspect_alignment(self._nll, backend.scores(scores), targets, mask, shift=False))
        # of no known vocabulary: what `fit` begins with is a uniform guess, and rightly so
        warn(suspect_nats(nats, kept, vocabulary=None))


def _without_last_of_one(targets: Any, rank: int) -> Any:
    return targets[..., 0] if len(targets.shape) == rank and targets.shape[-1] == 1 else targets


def _rows(values: Any) -> Any:
    """``values`` as (R, T), where they have more axes."""
    return values if len(values.shape) == 2 else ops.reshape(values, (ops.shape(values)[0], -1))


def _weights(sample_weight: Any, nats: Any) -> Any:
    """Weights in the shape and precision of the surprisals, not a number where they are out of their range."""
    if sample_weight is None:
        return ops.ones_like(nats)
    given = ops.cast(ops.convert_to_tensor(sample_weight), nats.dtype)
    weights = _without_last_of_one(given, len(nats.shape) + 1)
    while len(weights.shape) < len(nats.shape):
        weights = weights[..., None]
    fits = len(weights.shape) == len(nats.shape) and all(
        had in (1, None, wanted) for had, wanted in zip(weights.shape, nats.shape, strict=True) if wanted
    )
    if not fits:
        raise BadInput(
            f"sample_weight is for each row, shape (B,) or (B, 1), or each token, shape (B, T) as the targets' "
            f"{tuple(nats.shape)}, got {tuple(given.shape)}"
        )
    wrong = (weights != 0) & ~((weights >= _SMALLEST_WEIGHT) & (weights <= _LARGEST_WEIGHT))
    held, refused = (backend_of(weights).concrete(each) for each in (weights, wrong))
    if held is not None and refused is not None and refused.any():
        _refuse_weight(float(held[refused][0]))
    return ops.where(wrong, float("nan"), weights) * ops.ones_like(nats)


def _refuse_weight(weight: float) -> None:
    if not 0 <= weight < float("inf"):
        raise BadInput(f"weights are finite and not negative, got {weight}; weigh a token by 0 to leave it out")
    way = "up" if weight < 1 else "down"
    raise BadInput(
        f"weights are kept in steps of 2**-40 and lie between 2**-20 and 2**20, got {weight:g}; scale them {way}, all "
        f"by the same factor, which changes no perplexity"
    )


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function; jax compiles each operation by itself and each for seconds, unless told that it is one."""
    if keras.backend.backend() != "jax":
        return function
    jit: Callable[..., Callable[..., Any]] = importlib.import_module("jax").jit
    return jit(function)


@_compiled
def _added(digits: Any, nats_RT: Any, asked_RT: Any, weights_RT: Any, left_out_RT: Any) -> Any:
    """The state with a batch counted in."""
    weighed_RT = weights_RT == weights_RT
    kept_RT = asked_RT & (weights_RT != 0)  # also where a weight is not a number
    known_RT = kept_RT & weighed_RT & (nats_RT < _IMPOSSIBLE)
    zeros_RT = kept_RT & weighed_RT & (nats_RT >= _IMPOSSIBLE)
    scored_RT = known_RT | zeros_RT
    nothing_RT = ops.zeros_like(nats_RT)
    weight_RT = ops.where(scored_RT, weights_RT, nothing_RT)
    plain_RT = ops.where(known_RT, ops.maximum(nats_RT, nothing_RT), nothing_RT)  # digits have no sign
    values_NRT = ops.stack([plain_RT * weight_RT, weight_RT, plain_RT * plain_RT * weight_RT])
    sums_NRD = row_sums(digits_of(values_NRT))
    nats_RD, tokens_RD = sums_NRD[0, :, :FACTOR_WIDTH], sums_NRD[1, :, :FACTOR_WIDTH]
    moments = product_sums(ops.stack([nats_RD, nats_RD, tokens_RD]), ops.stack([nats_RD, tokens_RD, tokens_RD]))
    documents_R = ops.any(scored_RT, axis=1)
    # a weight of zero leaves out as a mask does
    masked_RT, weighted_RT = left_out_RT | (weights_RT == 0), (weights_RT != 0) & (weights_RT != 1)
    wrong_RT = kept_RT & ~scored_RT
    counted = counts([documents_R, scored_RT, ~kept_RT, zeros_RT, wrong_RT, masked_RT, weighted_RT])
    batch = ops.concatenate([widened(ops.sum(sums_NRD, axis=1), WIDTH), counted, moments], axis=0)
    return carried(digits + carried(batch))


@_compiled
def _perplexity(digits: Any) -> Any:
    nats, tokens = (floating(digits[_ROW[name]]) for name in ("nats", "tokens"))
    zeros, nonfinite = (ops.any(digits[_ROW[name]] > 0) for name in ("zeros", "nonfinite"))
    mean = ops.where(zeros, float("inf"), nats / ops.where(tokens > 0, tokens, float("nan")))
    return ops.where(nonfinite, float("nan"), ops.exp(mean))
