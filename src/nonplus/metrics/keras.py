"""Perplexity as a Keras metric, on any backend of Keras 3."""

import importlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np

from nonplus.errors import BadInput, BadProtocol
from nonplus.kernels.dispatch import backend_of
from nonplus.kernels.masked import refuse_masked, with_mask
from nonplus.kernels.targets import ignored_ids
from nonplus.kernels.token_nll import Kind, TokenNats, token_nll
from nonplus.measure.report import Report
from nonplus.measure.statistics.levels import check_level
from nonplus.measure.statistics.tally import Tally
from nonplus.metrics.input_checks import suspect_alignment, suspect_nats, suspect_rows, warn
from nonplus.metrics.options import Check, MetricOptions
from nonplus.optional import require

require("keras", purpose="a Keras metric")

import keras  # noqa: E402
from keras import ops  # noqa: E402

# Not public, but the only way: Keras attaches a mask to a tensor, and builds a model on
# made-up values first, which must not be checked.
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

# Weights are 0 or between these. Surprisals from 2**30 nats on count as probability 0,
# so that the largest number that is added, a weighted square of a surprisal, is below
# 2**80.
_SMALLEST_WEIGHT, _LARGEST_WEIGHT = 2.0**-20, 2.0**20
_HIGHEST_NATS = 2.0**30

_DEFAULTS = ("first", "nan")  # of check and empty

# The rows of the state: sums and moments in the units of a tally, and counts between.
_SUMS = ("nats", "tokens", "squares")
_COUNTS = ("documents", "scored", "ignored", "zeros", "nonfinite", "masked", "weighted")
_MOMENTS = ("nats_nats", "nats_tokens", "tokens_tokens")
_ROW = {name: row for row, name in enumerate(_SUMS + _COUNTS + _MOMENTS)}


@keras.saving.register_keras_serializable(package="nonplus")
class Perplexity(keras.metrics.Metric):  # type: ignore[misc]  # Keras ships no types
    """Perplexity of ``y_true`` (B, T) under ``y_pred`` (B, T, V), place for place.

    ``y_pred`` holds probabilities, divided by their sum, or logits with
    ``from_logits``. Tokens equal to ``mask_token_id`` or (one of) ``ignore_index`` do
    not count, nor those that the model's mask excludes. All others count with their
    ``sample_weight``, which is 0 or between 2**-20 and 2**20. ``check`` sets which
    batches are checked for probable mistakes (``first``, ``always`` or ``never``);
    compiled batches never are.

    All sums are integers, exact and independent of the order of batches. ``dtype`` has
    no effect; it exists for code that sets it. The result is float32: infinite if a
    token had probability 0, or 2**30 nats or more; NaN if a row left no distribution,
    and, in compiled code, if a target was outside the vocabulary or a weight outside
    its range; and NaN where no token counted, or 0, as in keras_hub, with
    ``empty="zero"``. :meth:`report` tells these cases apart.
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
        empty: Literal["nan", "zero"] = "nan",
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        ids = (*ignored_ids(mask_token_id), *ignored_ids(ignore_index))
        kind: Kind = "logits" if from_logits else "probs"
        self._options = MetricOptions(kind=kind, ignore_index=ids, check=check, on_nonfinite="exclude")
        if empty not in ("nan", "zero"):
            raise BadInput(f"empty must be one of nan, zero; got {empty!r}")
        # keras_hub's keys, and ours where they differ from their default
        self._config: dict[str, Any] = {"from_logits": from_logits, "mask_token_id": mask_token_id}
        if ignore_index is not None:
            self._config["ignore_index"] = list(ignored_ids(ignore_index))
        self._config |= {name: value for name, value in (("check", check), ("empty", empty)) if value not in _DEFAULTS}
        self._nothing = 0.0 if empty == "zero" else float("nan")
        self._checked = False
        self._digits = self.add_variable((len(_ROW), WIDTH), "zeros", dtype="int32", name="digits")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch; ``sample_weight`` is (B, T), or for each row (B,) or (B, 1).

        Raises:
            BadInput: shapes that do not fit; outside of compiled code, a weight outside
                its range, or a target outside the vocabulary, with its place.
        """
        for name, values in (("y_pred", y_pred), ("sample_weight", sample_weight)):
            refuse_masked(values, name)
        y_true, mask = with_mask(y_true, get_keras_mask(y_pred))
        scores = ops.convert_to_tensor(y_pred)
        targets = y_true if isinstance(y_true, (list, tuple)) else _without_last_of_one(y_true, len(scores.shape))
        backend = backend_of(scores)
        targets = backend.integers(targets, like=scores)
        if len(targets.shape) == 1:  # one prediction in each row
            scores, targets = scores[:, None], targets[:, None]
            mask = None if mask is None else mask[:, None]
        measured = self._nll(scores, targets, mask)
        self._check(measured, scores, targets, mask)
        nats = ops.cast(measured.nats, "float32")  # the same on every backend
        masked = ops.zeros_like(measured.kept) if mask is None else ops.cast(mask, "int32") == 0
        added = _added(
            ops.convert_to_tensor(self._digits),
            nats_RT=_rows(nats),
            kept_RT=_rows(measured.kept),
            weight_RT=_rows(_weights(sample_weight, nats)),
            masked_RT=_rows(masked),
        )
        self._digits.assign(added)

    def result(self) -> Any:
        """The perplexity, a float32."""
        with np.errstate(over="ignore"):  # where NumPy is the backend
            return _perplexity(ops.convert_to_tensor(self._digits), self._nothing)

    def report(self, *, level: float = 0.95) -> Report:
        """The report on all batches, with an interval clustered by row.

        Not inside compiled code. Tokens without a distribution are excluded, and
        counted.

        Raises:
            BadInput: no token counts, or ``level`` is not between 0 and 1.
        """
        check_level(level)
        digits = ops.convert_to_tensor(self._digits)
        held = backend_of(digits).concrete(digits)
        if held is None:
            raise BadInput("sums have no value inside compiled code; call report() outside, or result() inside")
        sums: dict[str, Any] = {name: whole(held[row]) for name, row in _ROW.items()}
        masked = sums.pop("masked") > 0
        tally = Tally(**sums, unsized=sums["scored"], unworded=sums["scored"])
        if not tally.tokens:
            raise BadInput(
                f"a perplexity needs tokens that count, got {tally.ignored} that do not; update with some first"
            )
        kinds, weighted = (self._options.kind,), tally.weighted > 0
        protocol = replace(self._options.protocol, kinds=kinds, masked=masked, weighted=weighted)
        return Report(tally=tally, protocol=protocol, level=level)

    def merge_state(self, metrics: Iterable[Self]) -> None:
        """Add the sums of other metrics, which are not changed.

        Raises:
            BadProtocol: one of them counts other tokens, or has scores of another kind;
                nothing is added then.
        """
        others = tuple(metrics)
        for other in others:
            self._options.protocol.joined(other._options.protocol)
            if other._options.kind != self._options.kind:
                raise BadProtocol(
                    f"sums are added only for one kind of scores, got {self._options.kind} and {other._options.kind}; "
                    f"make both metrics with the same from_logits"
                )
        for other in others:
            self._digits.assign(carried(self._digits + other._digits))

    def get_config(self) -> dict[str, Any]:
        """The arguments from which :meth:`from_config` makes the same metric."""
        return {**super().get_config(), **self._config}

    def _nll(self, scores: Any, targets: Any, mask: Any, shift: bool = False) -> TokenNats:
        return token_nll(
            scores,
            targets,
            kind=self._options.kind,
            shift=shift,
            ignore_index=self._options.ignore_index,
            mask=mask,
            on_nonfinite="nan",
        )

    def _check(self, measured: TokenNats, scores: Any, targets: Any, mask: Any) -> None:
        if not self._options.checks(checked=self._checked) or in_stateless_scope():
            return
        backend = backend_of(scores)
        nats, kept = backend.concrete(measured.nats), backend.concrete(measured.kept)
        if nats is None or kept is None:
            return
        self._checked = True
        warn(suspect_rows(scores, self._options.kind))
        warn(suspect_alignment(self._nll, backend.scores(scores), targets, mask, shift=False))
        # without the vocabulary: `fit` rightly begins with a uniform guess
        warn(suspect_nats(nats, kept, vocabulary=None))


def _without_last_of_one(targets: Any, rank: int) -> Any:
    return targets[..., 0] if len(targets.shape) == rank and targets.shape[-1] == 1 else targets


def _rows(values: Any) -> Any:
    """``values`` as (R, T), where they have more axes."""
    return values if len(values.shape) == 2 else ops.reshape(values, (ops.shape(values)[0], -1))


def _weights(sample_weight: Any, nats: Any) -> Any:
    """Weights in shape and dtype of the surprisals; NaN outside their range."""
    if sample_weight is None:
        return ops.ones_like(nats)
    passed = ops.cast(ops.convert_to_tensor(sample_weight), nats.dtype)
    weights = _without_last_of_one(passed, len(nats.shape) + 1)
    while len(weights.shape) < len(nats.shape):
        weights = weights[..., None]
    fits = len(weights.shape) == len(nats.shape) and all(
        got in (1, None, needed) for got, needed in zip(weights.shape, nats.shape, strict=True) if needed
    )
    if not fits:
        raise BadInput(
            f"sample_weight must be for each row, shape (B,) or (B, 1), or each token, the targets' shape "
            f"{tuple(nats.shape)}; got {tuple(passed.shape)}"
        )
    wrong = (weights != 0) & ~((weights >= _SMALLEST_WEIGHT) & (weights <= _LARGEST_WEIGHT))
    held, refused = (backend_of(weights).concrete(each) for each in (weights, wrong))
    if held is not None and refused is not None and refused.any():
        _refuse_weight(float(held[refused][0]))
    return ops.where(wrong, float("nan"), weights) * ops.ones_like(nats)


def _refuse_weight(weight: float) -> None:
    if not 0 <= weight < float("inf"):
        raise BadInput(f"weights must be finite and not negative, got {weight}; use weight 0 to ignore a token")
    raise BadInput(
        f"weights are rounded to 2**-40 and must be 0 or between 2**-20 and 2**20, got {weight:g}; scale all "
        f"{'up' if weight < 1 else 'down'} by the same factor, which changes no perplexity"
    )


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function; under jax compiled as one, which saves seconds."""
    if keras.backend.backend() != "jax":
        return function
    jit: Callable[..., Callable[..., Any]] = importlib.import_module("jax").jit
    return jit(function)


@_compiled
def _added(digits: Any, *, nats_RT: Any, kept_RT: Any, weight_RT: Any, masked_RT: Any) -> Any:
    """The state with a batch added."""
    valid_RT = weight_RT == weight_RT
    counted_RT = kept_RT & (weight_RT != 0)  # also where a weight is NaN
    known_RT = counted_RT & valid_RT & (nats_RT < _HIGHEST_NATS)
    zeros_RT = counted_RT & valid_RT & (nats_RT >= _HIGHEST_NATS)
    scored_RT = known_RT | zeros_RT
    nothing_RT = ops.zeros_like(nats_RT)
    scored_weight_RT = ops.where(scored_RT, weight_RT, nothing_RT)
    plain_RT = ops.where(known_RT, ops.maximum(nats_RT, nothing_RT), nothing_RT)  # digits have no sign
    values_NRT = ops.stack([plain_RT * scored_weight_RT, scored_weight_RT, plain_RT * plain_RT * scored_weight_RT])
    sums_NRD = row_sums(digits_of(values_NRT))
    nats_RD, tokens_RD = sums_NRD[0, :, :FACTOR_WIDTH], sums_NRD[1, :, :FACTOR_WIDTH]
    moments = product_sums(ops.stack([nats_RD, nats_RD, tokens_RD]), ops.stack([nats_RD, tokens_RD, tokens_RD]))
    marked = {
        "documents": ops.any(scored_RT, axis=1),
        "scored": scored_RT,
        "ignored": ~counted_RT,
        "zeros": zeros_RT,
        "nonfinite": counted_RT & ~scored_RT,
        "masked": masked_RT | (weight_RT == 0),  # a weight of 0 excludes a token as a mask does
        "weighted": scored_RT & (weight_RT != 1),
    }
    counted = counts([marked[name] for name in _COUNTS])
    batch = ops.concatenate([widened(ops.sum(sums_NRD, axis=1), WIDTH), counted, moments], axis=0)
    return carried(digits + carried(batch))


@_compiled
def _perplexity(digits: Any, nothing: float) -> Any:
    nats, tokens = (floating(digits[_ROW[name]]) for name in ("nats", "tokens"))
    zeros, nonfinite = (ops.any(digits[_ROW[name]] > 0) for name in ("zeros", "nonfinite"))
    mean = ops.where(zeros, float("inf"), nats / ops.where(tokens > 0, tokens, float("nan")))
    figure = ops.where(tokens > 0, ops.exp(mean), nothing)
    return ops.where(nonfinite, float("nan"), figure)
