"""Surprisals from mlx arrays.

Letters in shapes: M rows of a block, V vocabulary, K stretches of s entries of it.
"""

from functools import partial
from typing import Any

import mlx.core as mx
import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.backends import Head, ScoreKind, chunked_head, row_formulas
from nonplus.kernels.backends.refusals import as_numbers, not_scores, refuse_fractions

_BLOCK_SCORES = 16 << 20  # in floating point at once: 64 MB of float32
_STRETCH = 256


def namespace(x: mx.array) -> Any:
    """``mlx.core``."""
    return mx


def scores(x: mx.array) -> mx.array:
    """``x`` as floating point, without its gradient history."""
    if mx.issubdtype(x.dtype, mx.integer):
        x = x.astype(mx.float32)
    if not mx.issubdtype(x.dtype, mx.floating):
        raise not_scores(x.dtype)
    return mx.stop_gradient(x)


def integers(values: Any, *, like: mx.array) -> mx.array:
    """Token ids or a mask."""
    array = values if isinstance(values, mx.array) else mx.array(as_numbers(values))
    if mx.issubdtype(array.dtype, mx.inexact):
        refuse_fractions(concrete(mx.any(array != mx.floor(array))), array.dtype)
    return array.astype(mx.int64)


def concrete(values: mx.array) -> NDArray[Any] | None:
    """The values as NumPy, bfloat16 as float32; ``None`` under ``mx.compile``."""
    try:
        mx.eval(values)
    except ValueError:  # mlx has no function that tells whether an array is traced
        return None
    return np.asarray(values.astype(mx.float32) if values.dtype == mx.bfloat16 else values)


def checked_nats(nats: mx.array, kept: mx.array) -> mx.array:
    """Surprisals that others computed, NaN where they are negative."""
    checked: mx.array = row_formulas.checked_nats(mx, _wide(nats), kept)
    return checked


def nll(scores: mx.array, target: mx.array, kept: mx.array, kind: ScoreKind) -> mx.array:
    """Surprisals, NaN also where the target is not an id; a block of rows at a time."""
    rows = partial(row_formulas.nats_of_rows, mx, _wide, kind=kind, row_sum=_row_sum)
    blocks = partial(row_formulas.in_blocks, mx, rows, scores_at_once=_BLOCK_SCORES)
    nats: mx.array = row_formulas.nats_of_targets(mx, scores, target, kept, blocks)
    return nats


def _row_sum(values_MV: mx.array) -> mx.array:
    """Sum of each row in two steps.

    On a CPU, mlx 0.32 adds one value after the other in float32, which at 128,256
    entries is 9e-5 too little.
    """
    m, v = values_MV.shape
    whole = v - v % _STRETCH
    stretches_MKs = values_MV[:, :whole].reshape(m, whole // _STRETCH, _STRETCH)
    return stretches_MKs.sum(2).sum(1) + values_MV[:, whole:].sum(1)


def head_nll(states: mx.array, head: Head, target: mx.array, kept: mx.array) -> mx.array:
    """Surprisals from hidden states, NaN also where the target is not an id."""
    nats: mx.array = chunked_head.head_nll(mx, _wide, states, head, target, kept, most=_STRETCH)
    return nats


def _wide(array: mx.array) -> mx.array:
    return array if array.dtype == mx.float64 else array.astype(mx.float32)
