"""The surprisal of a target from its row: one formula for each kind of scores.

``xp`` holds the functions of the array API standard for the arrays at hand. ``wide``
makes an array float32 unless it is float64.

Letters in shapes: N rows, V vocabulary.
"""

from collections.abc import Callable
from typing import Any

from nonplus.kernels.backends import DUST, ROUNDING, ScoreKind
from nonplus.kernels.chunks import chunks

Rows = Callable[[Any, Any], Any]  # scores (..., V) and targets (...) to surprisals (...)


def checked_nats(xp: Any, nats: Any, kept: Any) -> Any:
    """Surprisals that others computed: 0 where not kept, NaN where negative."""
    return xp.where(kept, not_negative(xp, nats), xp.zeros_like(nats))


def not_negative(xp: Any, nats: Any) -> Any:
    """``nats`` with a rounding error below 0 as 0, and what lies lower as NaN."""
    zero = xp.zeros_like(nats)
    return xp.where(nats > -ROUNDING, xp.where(nats < 0, zero, nats), zero + float("nan"))


def nats_of_probs(xp: Any, chosen: Any, smallest: Any, total: Any) -> Any:
    """Surprisals from a row's probabilities: the target's, the smallest, the sum."""
    zero = xp.zeros_like(total)
    valid = (smallest >= -DUST) & xp.isfinite(total)
    nats = xp.log(total) - xp.log(xp.where(chosen < 0, zero, chosen))
    return xp.where(valid, nats, zero + float("nan"))


def nats_of_rows(
    xp: Any,
    wide: Callable[[Any], Any],
    scores: Any,
    target: Any,
    kind: ScoreKind,
    *,
    row_sum: Callable[[Any], Any] | None = None,
) -> Any:
    """Surprisals, shape of ``target``, whose values must be ids of the vocabulary.

    ``row_sum`` replaces ``xp.sum`` over the last axis.
    """

    def total(values: Any) -> Any:
        return xp.sum(values, axis=-1) if row_sum is None else row_sum(values)

    # never a product with a one-hot row: 0 * -inf is NaN
    chosen = wide(xp.take_along_axis(scores, target[..., None], axis=-1)[..., 0])
    if kind == "logprobs":
        return not_negative(xp, 0 - chosen)
    wide_scores = wide(scores)
    if kind == "probs":
        return nats_of_probs(xp, chosen, xp.min(wide_scores, axis=-1), total(wide_scores))
    largest = xp.max(wide_scores, axis=-1, keepdims=True)
    rest = xp.log(total(xp.exp(wide_scores - largest)))
    nats = rest + (largest[..., 0] - chosen)
    return xp.where(nats < 0, xp.zeros_like(nats), nats)


def nats_of_targets(xp: Any, scores: Any, target: Any, kept: Any, rows: Rows) -> Any:
    """Surprisals by ``rows``: 0 where not kept, NaN where the target is not an id."""
    is_id = (target >= 0) & (target < scores.shape[-1])
    # zeros instead, because mlx reads outside of a row without an error
    nats = rows(scores, xp.where(is_id, target, xp.zeros_like(target)))
    zero = xp.zeros_like(nats)
    return xp.where(kept, xp.where(is_id, nats, zero + float("nan")), zero)


def in_blocks(xp: Any, rows: Rows, scores: Any, target: Any, *, scores_at_once: int) -> Any:
    """Surprisals by ``rows`` for a block of rows at a time."""
    v = scores.shape[-1]
    flat_NV, target_N = xp.reshape(scores, (-1, v)), xp.reshape(target, (-1,))
    n = target_N.shape[0]
    blocks = list(chunks(n, max(1, scores_at_once // v))) or [slice(0, 0)]
    nats_N = xp.concat([rows(flat_NV[block, :], target_N[block]) for block in blocks])
    return xp.reshape(nats_N, target.shape)
