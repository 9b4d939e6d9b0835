"""The surprisal of each token, defined once for every kind of array.

The arithmetic on rows of a vocabulary is a backend's, chosen by the type of what comes. What is kept, shifted and
refused is decided here, on integers, the same way for all.

Letters in shapes: B batch, T time, V vocabulary, N rows.
"""

from collections.abc import Iterable, Iterator, Set
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from nonplus.errors import BadInput, BadProbability
from nonplus.kernels.dispatch import backend_of

Kind = Literal["logits", "logprobs", "probs", "nll"]


class TokenNats(NamedTuple):
    """Surprisals and which of them count; both shaped like the targets and of the kind of array that came.

    ``nats`` is 0 where nothing counts, infinite where a token had probability zero. It has float64 where input and
    device have that precision to give, else float32. In a traced computation (``jax.jit``) nothing can be refused:
    there a row that leaves no distribution, and a target outside the vocabulary, are not a number.
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
    """Surprisal in nats of each of ``targets`` (..., T) under ``x`` (..., T, V), place for place.

    ``kind`` says what ``x`` holds for each word of the vocabulary: ``logits``, ``logprobs`` (natural, and taken at
    their word) or ``probs`` (divided by their sum). Under ``nll`` it holds the targets' surprisals already and is
    shaped like them, and they may be left out.

    With ``shift``, ``x[..., t, :]`` is the prediction of ``targets[..., t + 1]``, as models give it; the first token of
    each row then has no prediction and is not kept. The answer lies under the target all the same: ``nats[..., t]`` is
    about ``targets[..., t]``. Targets equal to one of ``ignore_index`` are not kept, nor those where ``mask`` is zero;
    with ``shift`` nor those predicted from a masked place, so that padding on either side drops out.

    Logits are read once and never copied whole. Gradients are not recorded.

    Raises:
        BadInput: shapes that do not fit, or a target that is neither kept out nor in the vocabulary, with its place.
        BadProbability: a row that leaves no distribution, with its place; with ``on_nonfinite="nan"`` it is not a
            number instead.
    """
    if kind not in get_args(Kind):
        raise BadInput(f"kind is one of {', '.join(get_args(Kind))}, got {kind!r}")
    backend = backend_of(x)
    scores = backend.scores(x)
    if targets is None:
        if kind != "nll":
            raise BadInput(f"{kind} predict targets, and none came; give token_nll(x, targets)")
        target = backend.integers(backend.xp.zeros_like(scores), like=scores)
    else:
        target = backend.integers(targets, like=scores)
    _check_shapes(tuple(scores.shape), tuple(target.shape), kind)
    asked = below_predictions(backend, target, ignore_index=ignore_index, mask=mask, shift=shift)
    if kind == "nll":
        nats = backend.given(scores, asked.counted)
    else:
        check_ids(backend, asked, scores.shape[-1], shift=shift)
        nats = backend.nll(scores, asked.target, asked.counted, kind)
    if on_nonfinite == "raise":
        check_distributions(backend, nats, kind)
    return TokenNats(later(backend.xp, nats) if shift else nats, asked.kept)


class Asked(NamedTuple):
    """What is asked: ``kept`` lies under the targets, ``target`` and ``counted`` under the predictions."""

    kept: Any
    target: Any
    counted: Any


def below_predictions(
    backend: Any, target: Any, *, ignore_index: int | Iterable[int] | None, mask: Any, shift: bool
) -> Asked:
    """Each target under the scores that predict it: with ``shift`` integers move, never logits."""
    kept = _kept(backend, target, ignored_ids(ignore_index), mask, shift=shift)
    return Asked(kept, _earlier(backend.xp, target), _earlier(backend.xp, kept)) if shift else Asked(kept, target, kept)


def ignored_ids(ignore_index: int | Iterable[int] | None) -> tuple[int, ...]:
    """``ignore_index`` as the ids it names."""
    if ignore_index is None:
        return ()
    ids = np.asarray(list(ignore_index) if isinstance(ignore_index, Set | Iterator) else ignore_index)
    if ids.size and ids.dtype.kind not in "iu":
        raise BadInput(f"ignore_index is an id or several, got {ignore_index!r}; use None to ignore nothing")
    return tuple(map(int, ids.reshape(-1).tolist()))


def _kept(backend: Any, target: Any, ignored: tuple[int, ...], mask: Any, *, shift: bool) -> Any:
    kept = target == target
    for each in ignored:
        kept = kept & (target != each)
    if shift:
        kept = kept & later(backend.xp, target == target)
    if mask is None:
        return kept
    marks = backend.integers(mask, like=target)
    if tuple(marks.shape) != tuple(target.shape):
        raise BadInput(
            f"mask has a place for each target, shape {tuple(target.shape)}, got {tuple(marks.shape)}; "
            f"give the mask of the same tokens"
        )
    other = backend.concrete((marks != 0) & (marks != 1))
    if other is not None and other.any():
        raise BadInput(
            f"a mask is 1 where a token counts and 0 where not, got {backend.concrete(marks)[first_place(other)]} at "
            f"{_shown(first_place(other), shift=False)}; one that is added to scores, or that numbers packed "
            f"documents, says something else"
        )
    real = marks != 0
    return kept & real & later(backend.xp, real) if shift else kept & real


def later(xp: Any, values: Any) -> Any:
    """Each value one place to the right; the first place gets a zero."""
    return xp.concat([xp.zeros_like(values[..., :1]), values[..., :-1]], axis=-1)


def _earlier(xp: Any, values: Any) -> Any:
    """Each value one place to the left; the last place gets a zero."""
    return xp.concat([values[..., 1:], xp.zeros_like(values[..., :1])], axis=-1)


def _check_shapes(scores: tuple[int, ...], target: tuple[int, ...], kind: Kind) -> None:
    if kind == "nll":
        if scores != target:
            raise BadInput(f"surprisals of shape {scores} are of targets of the same shape, got targets of {target}")
        return
    if scores[:-1] == target and len(target) and scores[-1]:
        return
    rule = f"{kind} of shape (..., T, V) predict targets of shape (..., T), got {scores} and {target}"
    if len(scores) == 3 and len(target) == 2 and (scores[0], scores[2]) == target:
        raise BadInput(f"{rule}; these lie as (B, V, T): move the vocabulary to the end first, as (B, T, V)")
    if len(scores) == len(target) + 1 > 1 and scores[:-2] == target[:-1] and abs(scores[-2] - target[-1]) == 1:
        raise BadInput(f"{rule}; one of them looks shifted and the other not: shift both by one place, or neither")
    raise BadInput(f"{rule}; give one target for each prediction")


def check_ids(backend: Any, asked: Asked, vocabulary: int, *, shift: bool) -> None:
    """Refuse targets that are neither kept out nor in the vocabulary, where values can be looked at."""
    outside = backend.concrete(asked.counted & ((asked.target < 0) | (asked.target >= vocabulary)))
    if outside is None or not outside.any():
        return
    place = first_place(outside)
    found = int(backend.concrete(asked.target)[place])
    shown = _shown(place, shift=shift)
    if found < 0:
        raise BadInput(
            f"target {found} at {shown} is no token id of the vocabulary of {vocabulary}; leave out places that are "
            f"not to be counted, or name them: ignore_index={found}, or a mask"
        )
    raise BadInput(
        f"target {found} at {shown} is outside the vocabulary of {vocabulary} that the scores are over; "
        f"the tokenizer has more ids than the model, or another model's ids came"
    )


_BROKEN = {
    "logits": "one is not a number or infinite, or none is possible",
    "probs": "one is negative or not finite, or all are zero",
    "logprobs": "that of the target is above 0 or not a number",
    "nll": "a surprisal is below 0 or not a number",
}


def check_distributions(backend: Any, nats: Any, kind: Kind, *, of: str = "") -> None:
    """Refuse rows that leave no distribution, where values can be looked at."""
    wrong = backend.concrete(nats != nats)
    if wrong is not None and wrong.any():
        raise BadProbability(
            f"the {kind}{of} at {_shown(first_place(wrong), shift=False)} leave no distribution ({int(wrong.sum())} "
            f"such rows): {_BROKEN[kind]}; find out where they were made"
        )


def first_place(marked: np.ndarray[Any, Any]) -> tuple[int, ...]:
    """Where the first true value stands."""
    return tuple(int(i) for i in np.unravel_index(int(marked.argmax()), marked.shape))


def _shown(place: tuple[int, ...], *, shift: bool) -> str:
    """A place as a reader would index it; ``shift`` where it is that of the prediction and the target's is meant."""
    return "[" + ", ".join(map(str, (*place[:-1], place[-1] + shift))) + "]"
