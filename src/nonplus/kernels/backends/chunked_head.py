"""Surprisals from hidden states for arrays that cannot be written into: the vocabulary a piece at a time.

Letters in shapes: N rows, H channels of a hidden state, V vocabulary, P words of a piece.
"""

from collections.abc import Callable
from typing import Any

from nonplus.kernels.backends import Head
from nonplus.kernels.chunks import chunks

_BYTES = 32 << 20  # of a piece's logits in float32
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
    """Surprisals, shape of ``target``; zero where not kept, not a number where the target is no id.

    ``xp`` holds the functions of the array API standard, ``wide`` makes an array float32 unless it is float64. A piece
    has at most ``most`` words.
    """
    hidden_NH = xp.reshape(states, (-1, states.shape[-1]))
    target_N, n, v = xp.reshape(target, (-1,)), hidden_NH.shape[0], head.weight_VH.shape[0]
    possible_N = (target_N >= 0) & (target_N < v)
    safe_N = xp.where(possible_N, target_N, xp.zeros_like(target_N))
    sum_N = xp.sum(wide(hidden_NH) * 0, axis=-1)
    level_N = sum_N - float("inf")
    for piece in chunks(v, max(_FEWEST, min(most, _BYTES // (4 * max(n, 1))))):
        product_NP = xp.tensordot(hidden_NH, head.weight_VH[piece, :], axes=[[1], [1]])
        logits_NP = wide(_finished(xp, product_NP, None if head.bias_V is None else head.bias_V[piece], head))
        own_NP = xp.equal(safe_N[:, None], xp.arange(piece.start, piece.stop)[None, :])
        logits_NP = xp.where(own_NP, xp.zeros_like(logits_NP) - float("inf"), logits_NP)
        top_N = xp.maximum(level_N, xp.max(logits_NP, axis=-1))
        finite_N = xp.where(top_N == -float("inf"), xp.zeros_like(top_N), top_N)
        rest_N = xp.sum(xp.exp(logits_NP - finite_N[:, None]), axis=-1)
        sum_N, level_N = sum_N * xp.exp(level_N - finite_N) + rest_N, top_N
    weight_NH = wide(xp.take(head.weight_VH, safe_N, axis=0))
    bias_N = None if head.bias_V is None else wide(xp.take(head.bias_V, safe_N, axis=0))
    chosen_N = _finished(xp, xp.sum(wide(hidden_NH) * weight_NH, axis=-1), bias_N, head)
    others_N = level_N + xp.log(sum_N) - chosen_N  # without the target's own: see backends/torch
    nats_N = xp.logaddexp(others_N, xp.zeros_like(others_N))
    right_N = possible_N & (chosen_N < float("inf"))
    nats_N = xp.where(right_N, nats_N, xp.zeros_like(nats_N) + float("nan"))
    return xp.reshape(xp.where(xp.reshape(kept, (-1,)), nats_N, xp.zeros_like(nats_N)), target.shape)


def _finished(xp: Any, products: Any, bias: Any, head: Head) -> Any:
    logits = (products if bias is None else products + bias) * head.scale
    return logits if head.softcap is None else xp.tanh(logits / head.softcap) * head.softcap
