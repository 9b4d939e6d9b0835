"""What a first batch lets one suspect: input that can be measured, and is probably not what was meant.

Certain faults are errors, and raised where the arithmetic is done. These are warnings, because a model may be that
good, that bad or that odd. A bounded sample is looked at, so that a look costs little whatever the vocabulary.
"""

import inspect
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nonplus.errors import SuspectInput
from nonplus.kernels.dispatch import backend_of
from nonplus.kernels.token_nll import TokenNats
from nonplus.measure.records import Floats
from nonplus.metrics.batch_sums import Array, Bools
from nonplus.metrics.to_numpy import on_host

_NOT_THE_CALLER = {"nonplus", "keras", "torch", "torchmetrics"}

Nll = Callable[[Any, Any, Any, bool], TokenNats]  # of scores, targets, mask and shift

_ROWS = 256  # predictions that are measured in another alignment
_WHOLE_ROWS = 64  # rows of a vocabulary that are brought to the host
_TOKENS = 16  # fewer tell nothing about a mean
_NAT = 1.0  # by how much another alignment must be better
_HIGHEST = 20.0  # nats at which a token is cut in a comparison
_LEAK = 0.05  # nats per token that no language model gets to on text it has not seen
_UNIFORM = 1e-3  # nats within which a mean is that of a uniform guess
_TO_ONE = 1e-2  # by how much a sum of probabilities may be off: that of a bfloat16 row is


def warn(suspicions: Iterator[str]) -> None:
    """Give each as a warning, at the line that called into us or into a framework between."""
    for said in suspicions:
        frame, level = inspect.currentframe(), 1
        while frame and frame.f_back and frame.f_globals["__name__"].partition(".")[0] in _NOT_THE_CALLER:
            frame, level = frame.f_back, level + 1
        warnings.warn(said, SuspectInput, stacklevel=max(level, 1))


def suspect_nats(nats: Floats, kept: Bools, *, vocabulary: int | None) -> Iterator[str]:
    """What the surprisals of a batch let one suspect; ``vocabulary`` is its size, where one was seen."""
    if kept.size and not kept.any():
        yield f"none of {kept.size} tokens counts in this batch; look at ignore_index and the mask"
    known = nats[kept & np.isfinite(nats)]
    if not len(known):
        return
    mean = float(known.mean())
    if len(known) < _TOKENS or not math.isfinite(mean):
        return
    elif mean < _LEAK:
        yield (
            f"the mean surprisal is {mean:.3g} nats, which no language model gets to on unseen text; "
            f"are targets[t] among what the prediction at t has seen?"
        )
    elif vocabulary is not None and abs(mean - math.log(vocabulary)) < _UNIFORM:
        yield (
            f"the mean surprisal is that of a uniform guess among {vocabulary} tokens; "
            f"is the model trained, and the head its own?"
        )


def suspect_rows(x: Any, kind: str) -> Iterator[str]:
    """What rows over a vocabulary, shape (..., V), let one suspect about their kind."""
    rows = _rows(x)
    if not len(rows) or not rows.shape[-1]:
        return
    with np.errstate(over="ignore", invalid="ignore"):
        sums = (np.exp(rows) if kind == "logprobs" else rows).sum(axis=1)
    off = np.abs(sums - 1) > _TO_ONE
    if kind == "logits" and np.mean((rows >= 0).all(axis=1) & ~off) > 0.9:
        yield (
            "these logits are not negative and sum to 1 in each row, as probabilities do; "
            "if that is what they are, say kind='probs'"
        )
    if kind == "probs" and (off & (sums != 0)).mean() > 0.1:
        yield (
            f"these probabilities sum to {np.median(sums[off]):.4g} rather than 1 in most rows, and are divided by "
            f"that; if they are logits, say kind='logits'"
        )
    if kind == "logprobs" and off.mean() > 0.1:
        yield (
            f"the probabilities of these log-probabilities sum to {np.median(sums[off]):.4g} rather than 1, and are "
            f"taken at their word; if they are logits, say kind='logits'; if they are in bits, multiply by ln 2"
        )


def suspect_counts(targets: Array, kept: Bools, *, ignored: tuple[int, ...]) -> Iterator[str]:
    """Whether bytes or words of whole rows (..., T) may be those of more than is scored: of a first token of text.

    All rows that begin with the same token have one that begins texts, and stands for no bytes.
    """
    rows = kept.any(axis=-1)
    before = kept[rows].argmax(axis=-1)[:, None] - 1
    ids = np.take_along_axis(targets[rows], np.maximum(before, 0), axis=-1)[before >= 0]
    if len(np.unique(ids[~np.isin(ids, ignored)])) > 1:
        yield (
            "n_bytes or n_words came for whole rows, and rows begin with tokens of text, which shift leaves unscored; "
            "a row's are those of its scored tokens alone: leave the first token's out, or give them for each token"
        )


def suspect_alignment(
    nll: Nll, x: Any, targets: Any, mask: Any, *, shift: bool, vocabulary: int | None = None
) -> Iterator[str]:
    """Whether predictions fit a neighbour of their target better; ``x`` has shape (..., T, V) or (..., T, H).

    ``vocabulary`` is its size V, where ``x`` does not say. ``nll`` has to go on where a row leaves no distribution:
    another alignment may count what the right one does not.
    """
    x, targets, mask = _sample(x, targets, mask)
    mask = _inside(targets, mask, vocabulary=x.shape[-1] if vocabulary is None else vocabulary)
    given = _measured(nll(x, targets, mask, shift))
    if shift:
        if _better(_measured(nll(x, targets, mask, False)), given):
            yield (
                "predictions fit the tokens that stand at their own place better, by more than a nat, than those after "
                "them; are logits and targets shifted already? then leave out shift=True"
            )
        return
    # the slices move only a sample against itself, to see; what is measured is never moved here
    fewer = None if mask is None else mask[..., :-1]
    if _better(_measured(nll(x, targets, mask, True)), given):
        yield (
            "predictions fit the tokens after their targets better, by more than a nat; a model predicts the next "
            "token: say shift=True, or give logits[:, :-1] and targets[:, 1:]"
        )
    elif _better(_measured(nll(x[..., 1:, :], targets[..., :-1], fewer, False)), given):
        yield (
            "predictions fit the tokens before their targets better, by more than a nat; "
            "were logits and targets shifted twice?"
        )


def _measured(measured: TokenNats) -> Floats:
    """The surprisals that count, none of them large enough to decide a comparison by itself."""
    backend = backend_of(measured.nats)
    nats, kept = backend.concrete(measured.nats), backend.concrete(measured.kept)
    cut: Floats = np.minimum(nats[kept & ~np.isnan(nats)].astype(np.float64), _HIGHEST)
    return cut


def _better(one: Floats, other: Floats) -> bool:
    """Whether the mean is lower by more than a nat, beyond what chance does to so few tokens."""
    if min(len(one), len(other)) < _TOKENS:
        return False
    chance = math.sqrt(one.var() / len(one) + other.var() / len(other))
    return bool(other.mean() - one.mean() > _NAT + 2 * chance)


def _sample(x: Any, targets: Any, mask: Any) -> tuple[Any, Any, Any]:
    """The first predictions and their targets; never reshaped, which would copy the whole batch."""
    backend = backend_of(x)
    targets = backend.integers(targets, like=x)
    mask = None if mask is None else backend.integers(mask, like=x)
    while len(x.shape) > 3:
        x, targets, mask = x[0], targets[0], None if mask is None else mask[0]
    time = min(x.shape[-2], _ROWS)
    cut = (slice(max(1, _ROWS // max(time, 1))), slice(time))[3 - len(x.shape) :]
    return x[cut], targets[cut], None if mask is None else mask[cut]


def _inside(targets: Any, mask: Any, *, vocabulary: int) -> Any:
    """The mask, and zero where a target is none of the vocabulary, which another alignment may ask for."""
    backend = backend_of(targets)
    ids, real = backend.concrete(targets), None if mask is None else backend.concrete(mask)
    inside = (ids >= 0) & (ids < vocabulary)
    if inside.all():
        return mask
    return backend.integers(inside if real is None else inside & (real != 0), like=targets)


def _rows(x: Any) -> Array:
    """The first rows, on the host, as wide as they are precise."""
    while len(x.shape) > 2:
        x = x[0] if x.shape[0] else x.reshape(-1, x.shape[-1])
    rows = np.asarray(on_host(x[:_WHOLE_ROWS]), np.float64)
    return np.nan_to_num(rows, posinf=np.inf, neginf=-np.inf)
