"""Surprisals from NumPy arrays, or lists of numbers.

Letters in shapes: N rows, M rows at once, H channels of a hidden state, V vocabulary.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels import native
from nonplus.kernels.backends import Head, ScoreKind, row_formulas
from nonplus.kernels.backends.refusals import as_numbers, not_scores, refuse_fractions
from nonplus.kernels.chunks import chunks
from nonplus.measure.records import Floats, Ints
from nonplus.threads import processors

Array = NDArray[Any]
Flags = NDArray[np.bool_]

# Of logits in floating point at once, without the C kernel: what stays in the cache.
_BLOCK_BYTES = 1 << 18

# A chunk of a head's logits: at most this many hidden states and bytes.
_HEAD_ROWS = 4096
_HEAD_BYTES = 32 << 20


def namespace(x: Any) -> Any:
    """``numpy``."""
    return np


def scores(x: Any) -> Array:
    """``x`` as floating point."""
    array = np.asarray(x)
    if array.dtype.kind in "iu":
        return array.astype(np.float64)
    if array.dtype.name not in native.DTYPE_BYTES:
        raise not_scores(array.dtype)
    return array


def integers(values: Any, *, like: Array) -> Array:
    """Token ids or a mask."""
    array = as_numbers(values)
    if array.dtype.kind not in "iub":
        refuse_fractions(np.any(array != np.floor(array)), array.dtype)
    return array.astype(np.int64)


def concrete(values: Array) -> Array | None:
    """The values."""
    return values


def checked_nats(nats: Array, kept: Array) -> Floats:
    """Surprisals that others computed, NaN where they are negative."""
    checked: Floats = row_formulas.checked_nats(np, nats.astype(np.float64), kept)
    return checked


def nll(scores: Array, target: Array, kept: Flags, kind: ScoreKind) -> Floats:
    """Surprisals; the targets that are kept must be ids."""
    safe = np.where(kept, target, 0)
    chosen = np.take_along_axis(scores, safe[..., None], axis=-1)[..., 0].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind == "logprobs":
            nats = row_formulas.not_negative(np, 0.0 - chosen)
        elif kind == "probs":
            smallest, total = scores.min(axis=-1, initial=np.inf), scores.sum(axis=-1, dtype=np.float64)
            nats = row_formulas.nats_of_probs(np, chosen, smallest, total)
        else:
            nats = np.maximum(log_sum_exp(scores, kept) - chosen, 0.0)
    return np.where(kept, nats, 0.0)


def head_nll(states: Array, head: Head, target: Array, kept: Flags) -> Floats:
    """Surprisals from hidden states; float16 and bfloat16 are multiplied in float32."""
    wide = np.float64 if states.dtype == np.float64 else np.float32
    hidden_NH, target_N = states[kept].astype(wide, copy=False), target[kept]
    nats = np.zeros(kept.shape)
    nats_N = np.empty(len(target_N))
    for rows in chunks(len(target_N), _HEAD_ROWS):
        others_N = _head_others(hidden_NH[rows], head, target_N[rows])
        chosen_N: Array = np.vecdot(hidden_NH[rows], head.weight_VH[target_N[rows]].astype(wide, copy=False))
        _scaled(chosen_N, None if head.bias_V is None else head.bias_V[target_N[rows]], head)
        with np.errstate(invalid="ignore"):
            nats_N[rows] = np.where(chosen_N < np.inf, np.logaddexp(others_N - chosen_N, 0.0), np.nan)
    nats[kept] = nats_N
    return nats


def _head_others(hidden_NH: Array, head: Head, target_N: Ints) -> Floats:
    """Log-sum-exp of all logits but the target's: see ``backends/torch``."""
    n, v = len(hidden_NH), len(head.weight_VH)
    level_N, sum_N, kept_N = np.full(n, -np.inf), np.zeros(n), np.ones(n, bool)
    step = min(v, max(1, _HEAD_BYTES // (max(n, 1) * hidden_NH.itemsize)))
    buffer = np.empty(n * step, hidden_NH.dtype)
    for entries in chunks(v, step):
        logits_NV = buffer[: n * (entries.stop - entries.start)].reshape(n, -1)
        np.matmul(hidden_NH, head.weight_VH[entries].astype(hidden_NH.dtype, copy=False).T, out=logits_NV)
        _scaled(logits_NV, None if head.bias_V is None else head.bias_V[entries], head)
        rows_M = np.flatnonzero((target_N >= entries.start) & (target_N < entries.stop))
        logits_NV[rows_M, target_N[rows_M] - entries.start] = -np.inf
        accumulate(logits_NV, kept_N, level_N, sum_N)
    with np.errstate(divide="ignore"):
        return np.asarray(level_N + np.log(sum_N))


def _scaled(logits: Array, bias: Array | None, head: Head) -> Array:
    """Logits of products, computed in place."""
    if bias is not None:
        logits += bias
    if head.scale != 1:
        logits *= head.scale
    if head.softcap is not None:
        logits /= head.softcap
        np.tanh(logits, out=logits)
        logits *= head.softcap
    return logits


def log_sum_exp(scores: Array, kept: Flags) -> Floats:
    """Log-sum-exp over the last axis; NaN where not kept or all scores are -inf."""
    level, total = np.full(kept.shape, -np.inf), np.zeros(kept.shape)
    for part, scores_NV in row_views(scores):
        accumulate(scores_NV, kept[part].reshape(-1), level[part].reshape(-1), total[part].reshape(-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(total > 0, level + np.log(total), np.nan))


def row_views(scores: Array) -> Iterator[tuple[tuple[int, ...], Array]]:
    """``scores`` as (N, V) views, without copies: several if strides require it."""
    try:
        yield (), scores.reshape(-1, scores.shape[-1], copy=False)
    except ValueError:
        for i, each in enumerate(scores):
            for part, view in row_views(each):
                yield (i, *part), view


def accumulate(scores_NV: Array, kept_N: Flags, level_N: Floats, sum_N: Floats) -> None:
    """Add a chunk of the vocabulary: see :func:`nonplus.kernels.native.accumulate`."""
    item = scores_NV.itemsize
    regular = scores_NV.strides[1] == item and scores_NV.strides[0] % item == 0
    if native.functions() is None or not (regular and scores_NV.flags.aligned and scores_NV.dtype.isnative):
        pure_accumulate(scores_NV, kept_N, level_N, sum_N)
        return
    native.accumulate(
        scores_NV.ctypes.data,
        scores_NV.dtype.name,
        kept_N=kept_N,
        level_N=level_N,
        sum_N=sum_N,
        vocabulary=scores_NV.shape[1],
        stride=scores_NV.strides[0] // item,
        threads=processors(),
    )


def pure_accumulate(scores_NV: Array, kept_N: Flags, level_N: Floats, sum_N: Floats) -> None:
    """The same without the C kernel, a few rows at a time."""
    wide = np.float64 if scores_NV.dtype == np.float64 else np.float32
    rows_N = np.flatnonzero(kept_N)
    step = max(1, _BLOCK_BYTES // (np.dtype(wide).itemsize * scores_NV.shape[1]))
    for block in chunks(len(rows_N), step):
        rows_M = rows_N[block]
        level_N[rows_M], sum_N[rows_M] = _accumulated(
            scores_NV[rows_M].astype(wide, copy=False),  # unnamed: a name would keep two blocks
            level_N[rows_M],
            sum_N[rows_M],
        )


def _accumulated(wide_MV: Array, level_M: Floats, sum_M: Floats) -> tuple[Floats, Floats]:
    """The new level and sum; ``wide_MV`` is overwritten."""
    new_M = np.maximum(level_M, wide_MV.max(axis=1))
    finite_M = np.where(new_M == -np.inf, 0, new_M)
    with np.errstate(invalid="ignore"):  # infinity minus infinity: the row becomes NaN
        np.subtract(wide_MV, finite_M[:, None], out=wide_MV, casting="same_kind")
        np.exp(wide_MV, out=wide_MV)
        return new_M, sum_M * np.exp(level_M - finite_M) + wide_MV.sum(axis=1)
