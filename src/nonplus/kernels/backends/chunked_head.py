"""Surprisals from hidden states for arrays that cannot be written into.

Letters in shapes: N rows, H channels of a hidden state, V vocabulary, C vocabulary
entries of a chunk.
"""

from collections.abc import Callable
from typing import Any

from nonplus.kernels.backends import Head
from nonplus.kernels.chunks import chunks

_BYTES = 32 << 20  # of a chunk's logits in float32
_FEWEST = 256


def head_nll(
    xp: Any,
    wide: Callable[[Any], Any],
    states: Any,
    head: Head,
    target: Any,
    kept: Any,
    *,
    most: int = 8192,
) -> Any:
    """Surprisals; 0 where not kept, NaN where the target is not an id.

    ``xp`` and ``wide`` are as in ``row_formulas``. A chunk has at most ``most``
    vocabulary entries.
    """
    hidden_NH = xp.reshape(states, (-1, states.shape[-1]))
    target_N, n, v = xp.reshape(target, (-1,)), hidden_NH.shape[0], head.weight_VH.shape[0]
    is_id_N = (target_N >= 0) & (target_N < v)
    safe_N = xp.where(is_id_N, target_N, xp.zeros_like(target_N))
    sum_N = xp.sum(wide(hidden_NH) * 0, axis=-1)
    level_N = sum_N - float("inf")
    for entries in chunks(v, max(_FEWEST, min(most, _BYTES // (4 * max(n, 1))))):
        product_NC = xp.tensordot(hidden_NH, head.weight_VH[entries, :], axes=[[1], [1]])
        logits_NC = wide(_scaled(xp, product_NC, None if head.bias_V is None else head.bias_V[entries], head))
        own_NC = xp.equal(safe_N[:, None], xp.arange(entries.start, entries.stop)[None, :])
        logits_NC = xp.where(own_NC, xp.zeros_like(logits_NC) - float("inf"), logits_NC)
        top_N = xp.maximum(level_N, xp.max(logits_NC, axis=-1))
        finite_N = xp.where(top_N == -float("inf"), xp.zeros_like(top_N), top_N)
        rest_N = xp.sum(xp.exp(logits_NC - finite_N[:, None]), axis=-1)
        sum_N, level_N = sum_N * xp.exp(level_N - finite_N) + rest_N, top_N
    weight_NH = wide(xp.take(head.weight_VH, safe_N, axis=0))
    bias_N = None if head.bias_V is None else wide(xp.take(head.bias_V, safe_N, axis=0))
    chosen_N = _scaled(xp, xp.sum(wide(hidden_NH) * weight_NH, axis=-1), bias_N, head)
    others_N = level_N + xp.log(sum_N) - chosen_N  # without the target's own: see backends/torch
    nats_N = xp.logaddexp(others_N, xp.zeros_like(others_N))
    valid_N = is_id_N & (chosen_N < float("inf"))
    nats_N = xp.where(valid_N, nats_N, xp.zeros_like(nats_N) + float("nan"))
    return xp.reshape(xp.where(xp.reshape(kept, (-1,)), nats_N, xp.zeros_like(nats_N)), target.shape)


def _scaled(xp: Any, products: Any, bias: Any, head: Head) -> Any:
    logits = (products if bias is None else products + bias) * head.scale
    return logits if head.softcap is None else xp.tanh(logits / head.softcap) * head.softcap
