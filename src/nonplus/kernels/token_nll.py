"""The surprisal of each token, defined once for every kind of array.

Letters in shapes: T time, V vocabulary.
"""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, get_args

from nonplus.errors import BadInput, BadProbability
from nonplus.kernels.backends import Backend, ScoreKind
from nonplus.kernels.dispatch import backend_of
from nonplus.kernels.masked import refuse_masked, with_mask
from nonplus.kernels.targets import aligned, check_targets, first_place, later, shown

Kind = Literal[ScoreKind, "nll"]


class TokenNats(NamedTuple):
    """Surprisals and which of them count, in the shape and package of the targets.

    ``nats`` is 0 where not ``kept`` and infinite where a token has probability 0. Its
    dtype is float64 where the input and the device have it, else float32. A traced
    computation (``jax.jit``) cannot raise errors: there ``nats`` is NaN for a row that
    is not a distribution, and for a target outside the vocabulary.
    """

    nats: Any
    kept: Any


def token_nll(
    x: Any,
    targets: Any = None,
    *,
    kind: Kind = "logits",
    shift: bool = False,
    ignore_index: int | Iterable[int] | None = None,
    mask: Any = None,
    on_nonfinite: Literal["raise", "nan"] = "raise",
) -> TokenNats:
    """Surprisal in nats of each of ``targets`` (..., T) under scores ``x`` (..., T, V).

    ``kind`` tells what ``x`` holds for each vocabulary entry: ``logits``, ``logprobs``
    (natural, used as they are) or ``probs`` (divided by their sum). With ``nll``, ``x``
    holds the surprisals of the targets, in their shape; ``targets`` may be omitted.

    With ``shift``, ``x[..., t, :]`` predicts ``targets[..., t + 1]``, as in the output
    of a model. The first token of each row then has no prediction and is not kept.
    ``nats[..., t]`` is still the surprisal of ``targets[..., t]``.

    Targets equal to one of ``ignore_index`` are not kept, nor those where ``mask`` is
    0, nor those masked in a masked array of NumPy (targets, or ``x`` of ``nll``). With
    ``shift``, those predicted from a position where ``mask`` is 0 are not kept either,
    so that padding on either side does not count.

    Logits are read once and never copied whole. Gradients are not recorded.

    Raises:
        BadInput: shapes that do not fit, or a kept target that is not in the
            vocabulary, with its position.
        BadProbability: a row that is not a distribution, with its position; with
            ``on_nonfinite="nan"`` it gives NaN instead.
    """
    if kind not in get_args(Kind):
        raise BadInput(f"kind is one of {', '.join(get_args(Kind))}, got {kind!r}")
    if kind == "nll":
        x, mask = with_mask(x, mask)
    refuse_masked(x, kind)
    targets, mask = with_mask(targets, mask)
    backend = backend_of(x)
    scores = backend.scores(x)
    xp = backend.namespace(scores)
    if targets is None:
        if kind != "nll":
            raise BadInput(f"{kind} need targets, got None; call token_nll(x, targets)")
        target = backend.integers(xp.zeros_like(scores), like=scores)
    else:
        target = backend.integers(targets, like=scores)
    _check_shapes(tuple(scores.shape), tuple(target.shape), kind)
    at = aligned(backend, target, ignore_index=ignore_index, mask=mask, shift=shift)
    if kind == "nll":
        nats = backend.checked_nats(scores, at.counted)
    else:
        check_targets(backend, at, scores.shape[-1], shift=shift)
        nats = backend.nll(scores, at.target, at.counted, kind)
    if on_nonfinite == "raise":
        check_distributions(backend, nats, kind)
    return TokenNats(later(xp, nats) if shift else nats, at.kept)


def _check_shapes(scores: tuple[int, ...], target: tuple[int, ...], kind: Kind) -> None:
    if kind == "nll":
        if scores != target:
            raise BadInput(f"surprisals and their targets have the same shape, got {scores} and {target}")
        return
    if scores[:-1] == target and len(target) and scores[-1]:
        return
    rule = f"{kind} of shape (..., T, V) need targets of shape (..., T), got {scores} and {target}"
    if len(scores) == 3 and len(target) == 2 and (scores[0], scores[2]) == target:
        raise BadInput(f"{rule}; these {kind} look like (B, V, T): move the vocabulary to the end, as (B, T, V)")
    if len(scores) == len(target) + 1 > 1 and scores[:-2] == target[:-1] and abs(scores[-2] - target[-1]) == 1:
        raise BadInput(f"{rule}; one of them looks shifted and the other not: shift both by one position, or neither")
    raise BadInput(f"{rule}; give one target for each prediction")


_FAULTS = {
    "logits": "one is NaN or +inf, or all are -inf",
    "probs": "one is negative, NaN or infinite, or all are 0",
    "logprobs": "the target's is above 0 or NaN",
    "nll": "a surprisal is negative or NaN",
}


def check_distributions(backend: Backend, nats: Any, kind: Kind, *, of: str = "") -> None:
    """Refuse rows that are not a distribution, unless traced: their ``nats`` are NaN.

    Raises:
        BadProbability: the position of the first such row, and their number.
    """
    wrong = backend.concrete(nats != nats)
    if wrong is not None and wrong.any():
        raise BadProbability(
            f"the {kind}{of} at {shown(first_place(wrong))} are invalid (rows affected: {int(wrong.sum())}): "
            f"{_FAULTS[kind]}; check how they were computed"
        )
