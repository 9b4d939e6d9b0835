"""Probable mistakes in the input of a metric, found in a batch.

Certain mistakes are errors, raised where the arithmetic is done. These are warnings,
because a model may be that good, that bad or that odd. Only a bounded sample is
checked, so that a check costs little for any vocabulary.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nonplus import cautions
from nonplus.errors import SuspectInput
from nonplus.kernels.dispatch import backend_of
from nonplus.kernels.token_nll import TokenNats
from nonplus.measure.records import Bools, Floats
from nonplus.metrics.to_numpy import Array, as_numpy, concrete

Nll = Callable[[Any, Any, Any, bool], TokenNats]  # of scores, targets, mask and shift

_ROWS = 256  # predictions that are measured in another alignment
_WHOLE_ROWS = 64  # rows of a vocabulary that are copied to the CPU
_TOKENS = 16  # fewer tell nothing about a mean
_NAT = 1.0  # another alignment must be better by this much
_HIGHEST = 20.0  # nats; higher surprisals are clipped in a comparison
_LEAK = 0.05  # nats per token; no language model reaches this on text it has not seen
_UNIFORM = 1e-3  # nats; a mean this close to that of a uniform guess is one
_TO_ONE = 1e-2  # a sum of probabilities may differ from 1 by this much, as that of a bfloat16 row does


def warn(suspicions: Iterator[str]) -> None:
    """Issue each as a warning, at the line that called nonplus or a framework."""
    for suspicion in suspicions:
        cautions.warn(suspicion, SuspectInput)


def suspect_nats(nats: Floats, kept: Bools, *, vocabulary: int | None) -> Iterator[str]:
    """Suspicions from the surprisals of a batch; ``vocabulary``: its size, if known."""
    if kept.size and not kept.any():
        yield f"none of the {kept.size} tokens in this batch counts; check ignore_index and the mask"
    known = nats[kept & np.isfinite(nats)]
    if not len(known):
        return
    mean = float(known.mean())
    if len(known) < _TOKENS or not math.isfinite(mean):
        return
    elif mean < _LEAK:
        yield (
            f"the mean surprisal is {mean:.3g} nats, which no language model reaches on text it has not seen; "
            f"does the prediction at t see targets[t]?"
        )
    elif vocabulary is not None and abs(mean - math.log(vocabulary)) < _UNIFORM:
        yield (
            f"the mean surprisal is that of a uniform guess among {vocabulary} tokens; "
            f"is the model trained, and does the head belong to it?"
        )


def suspect_rows(x: Any, kind: str) -> Iterator[str]:
    """Suspicions that rows over a vocabulary, shape (..., V), are of another kind."""
    rows = _rows(x)
    if not len(rows) or not rows.shape[-1]:
        return
    with np.errstate(over="ignore", invalid="ignore"):
        sums = (np.exp(rows) if kind == "logprobs" else rows).sum(axis=1)
    off = np.abs(sums - 1) > _TO_ONE
    if kind == "logits" and np.mean((rows >= 0).all(axis=1) & ~off) > 0.9:
        yield (
            "these logits are not negative and sum to 1 in each row, like probabilities; "
            "if they are probabilities, use kind='probs'"
        )
    if kind == "probs" and (off & (sums != 0)).mean() > 0.1:
        yield (
            f"these probabilities sum to {np.median(sums[off]):.4g} instead of 1 in most rows, and are divided by "
            f"that; if they are logits, use kind='logits'"
        )
    if kind == "logprobs" and off.mean() > 0.1:
        yield (
            f"the probabilities of these log-probabilities sum to {np.median(sums[off]):.4g} instead of 1, and are "
            f"not normalized; if they are logits, use kind='logits'; if they are in bits, multiply by ln 2"
        )


def suspect_counts(targets: Array, kept: Bools, *, ignored: tuple[int, ...]) -> Iterator[str]:
    """A suspicion that bytes or words of rows (..., T) include a first, unscored token.

    If all rows begin with the same token, it is taken for a BOS token, which has no
    bytes.
    """
    rows = kept.any(axis=-1)
    before = kept[rows].argmax(axis=-1)[:, None] - 1
    ids = np.take_along_axis(targets[rows], np.maximum(before, 0), axis=-1)[before >= 0]
    if len(np.unique(ids[~np.isin(ids, ignored)])) > 1:
        yield (
            "n_bytes or n_words are for whole rows, and rows begin with tokens of text, which are not scored with "
            "shift; count only the scored tokens of a row: subtract the first token's, or pass them for each token"
        )


def suspect_alignment(
    nll: Nll, x: Any, targets: Any, mask: Any, *, shift: bool, vocabulary: int | None = None
) -> Iterator[str]:
    """A suspicion that predictions fit a neighbour of their target better.

    ``x`` is (..., T, V) or (..., T, H); ``vocabulary`` is V, if ``x`` does not have it.
    ``nll`` must not raise where a row leaves no distribution: another alignment may
    count tokens that the right one does not.
    """
    x, targets, mask = _sample(x, targets, mask)
    mask = _inside(targets, mask, vocabulary=x.shape[-1] if vocabulary is None else vocabulary)
    chosen = _measured(nll(x, targets, mask, shift))
    if shift:
        if _better(_measured(nll(x, targets, mask, False)), chosen):
            yield (
                "predictions fit the tokens at their own place better, by more than a nat, than the tokens after "
                "them; if logits and targets are shifted already, omit shift=True"
            )
        return
    # the slices shift a sample for the comparison only; what is measured is never
    # shifted here
    fewer = None if mask is None else mask[..., :-1]
    if _better(_measured(nll(x, targets, mask, True)), chosen):
        yield (
            "predictions fit the tokens after their targets better, by more than a nat; a model predicts the next "
            "token: use shift=True, or pass logits[:, :-1] and targets[:, 1:]"
        )
    elif _better(_measured(nll(x[..., 1:, :], targets[..., :-1], fewer, False)), chosen):
        yield (
            "predictions fit the tokens before their targets better, by more than a nat; "
            "were logits and targets shifted twice?"
        )


def _measured(measured: TokenNats) -> Floats:
    """The surprisals that count, clipped so that no single one decides a comparison."""
    nats, kept = concrete(measured.nats), concrete(measured.kept)
    clipped: Floats = np.minimum(nats[kept & ~np.isnan(nats)].astype(np.float64), _HIGHEST)
    return clipped


def _better(one: Floats, other: Floats) -> bool:
    """Whether the mean is lower by more than a nat and than chance explains."""
    if min(len(one), len(other)) < _TOKENS:
        return False
    chance = math.sqrt(one.var() / len(one) + other.var() / len(other))
    return bool(other.mean() - one.mean() > _NAT + 2 * chance)


def _sample(x: Any, targets: Any, mask: Any) -> tuple[Any, Any, Any]:
    """The first predictions and targets; reshaping could copy the whole batch."""
    backend = backend_of(x)
    targets = backend.integers(targets, like=x)
    mask = None if mask is None else backend.integers(mask, like=x)
    while len(x.shape) > 3:
        x, targets, mask = x[0], targets[0], None if mask is None else mask[0]
    time = min(x.shape[-2], _ROWS)
    cut = (slice(max(1, _ROWS // max(time, 1))), slice(time))[3 - len(x.shape) :]
    return x[cut], targets[cut], None if mask is None else mask[cut]


def _inside(targets: Any, mask: Any, *, vocabulary: int) -> Any:
    """The mask, with 0 also where a target is outside the vocabulary."""
    ids, real = concrete(targets), None if mask is None else concrete(mask)
    inside = (ids >= 0) & (ids < vocabulary)
    if inside.all():
        return mask
    return backend_of(targets).integers(inside if real is None else inside & (real != 0), like=targets)


def _rows(x: Any) -> Array:
    """The first rows, copied to the CPU, in float64."""
    while len(x.shape) > 2:
        x = x[0] if x.shape[0] else x.reshape(-1, x.shape[-1])
    rows = np.asarray(as_numpy(x[:_WHOLE_ROWS]), np.float64)
    return np.nan_to_num(rows, posinf=np.inf, neginf=-np.inf)
