"""Surprisals from mlx arrays.

Letters in shapes: N rows, M rows at once, V vocabulary, K stretches of it.
"""

from typing import Any

import mlx.core as mx
import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.kernels.backends import DUST, ROUNDING, Head, chunked_head

xp = mx

_BLOCK_BYTES = 64 << 20  # of logits in floating point at once
_STRETCH = 256


def scores(x: mx.array) -> mx.array:
    """``x`` without its history, as floating point."""
    if mx.issubdtype(x.dtype, mx.integer):
        x = x.astype(mx.float32)
    if not mx.issubdtype(x.dtype, mx.floating):
        raise BadInput(f"scores are numbers, got an array of {x.dtype}")
    return mx.stop_gradient(x)


def integers(values: Any, *, like: mx.array) -> mx.array:
    """Token ids, or a mask."""
    array = values if isinstance(values, mx.array) else mx.array(values)
    if mx.issubdtype(array.dtype, mx.inexact):
        broken = concrete(mx.any(array != mx.floor(array)))
        if broken is not None and broken:
            raise BadInput(f"token ids and masks are whole numbers, got {array.dtype}")
    return array.astype(mx.int64)


def concrete(values: mx.array) -> NDArray[Any] | None:
    """The values on the host, bfloat16 as float32; ``None`` where there are none yet, under ``mx.compile``."""
    try:
        mx.eval(values)
    except ValueError:  # mlx has no question for "is this being traced"
        return None
    return np.asarray(values.astype(mx.float32) if values.dtype == mx.bfloat16 else values)


def given(nats: mx.array, kept: mx.array) -> mx.array:
    """Surprisals as they came, zero where not kept and not a number where they are negative."""
    return mx.where(kept, _no_less_than_zero(_wide(nats)), 0)


def nll(scores: mx.array, target: mx.array, kept: mx.array, kind: str) -> mx.array:
    """Surprisals, shape of ``target``; zero where not kept, not a number where the target is no id."""
    v = scores.shape[-1]
    possible_N = ((target >= 0) & (target < v)).reshape(-1)
    safe_N = mx.where(possible_N, target.reshape(-1), 0)  # mlx reads past the end of a row without a word
    flat_NV = scores.reshape(-1, v)
    step = max(1, _BLOCK_BYTES // (4 * v))
    blocks = [slice(start, start + step) for start in range(0, max(target.size, 1), step)]
    nats_N = mx.concat([_block(flat_NV[rows], safe_N[rows], kind) for rows in blocks])
    nats_N = mx.where(possible_N, nats_N, mx.nan)
    return mx.where(kept, nats_N.reshape(target.shape), 0)


def _block(scores_MV: mx.array, target_M: mx.array, kind: str) -> mx.array:
    chosen_M = _wide(mx.take_along_axis(scores_MV, target_M[:, None], axis=1)[:, 0])
    if kind == "logprobs":
        return _no_less_than_zero(0 - chosen_M)
    wide_MV = _wide(scores_MV)
    if kind == "probs":
        sum_M = _sum(wide_MV)
        possible_M = (wide_MV.min(1) >= -DUST) & mx.isfinite(sum_M)
        return mx.where(possible_M, mx.log(sum_M) - mx.log(mx.maximum(chosen_M, 0)), mx.nan)
    most_M1 = wide_MV.max(1, keepdims=True)
    rest_M = mx.log(_sum(mx.exp(wide_MV - most_M1)))
    return mx.maximum(rest_M + (most_M1[:, 0] - chosen_M), 0)


def _sum(values_MV: mx.array) -> mx.array:
    """Sum of each row in two steps: mlx 0.32 adds up one by one on a CPU, which at 128,256 words is 9e-5 too little."""
    m, v = values_MV.shape
    whole = v - v % _STRETCH
    stretches_MKs = values_MV[:, :whole].reshape(m, whole // _STRETCH, _STRETCH)
    return stretches_MKs.sum(2).sum(1) + values_MV[:, whole:].sum(1)


def _no_less_than_zero(nats: mx.array) -> mx.array:
    return mx.where(nats > -ROUNDING, mx.maximum(nats, 0), mx.nan)


def head_nll(states: mx.array, head: Head, target: mx.array, kept: mx.array) -> mx.array:
    """Surprisals, shape of ``target``; zero where not kept, not a number where the target is no id."""
    nats: mx.array = chunked_head.head_nll(mx, _wide, states, head, target, kept, most=_STRETCH)
    return nats


def _wide(array: mx.array) -> mx.array:
    return array if array.dtype == mx.float64 else array.astype(mx.float32)
