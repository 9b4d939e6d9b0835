"""Surprisals from TensorFlow's tensors, in the operations that Keras has for every backend."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.kernels.backends import DUST, ROUNDING, Head, chunked_head

xp = SimpleNamespace(concat=ops.concatenate, zeros_like=ops.zeros_like)


def scores(x: Any) -> Any:
    """``x`` without its history, as floating point."""
    if ops.dtype(x) == "bool":
        raise BadInput("scores are numbers, got truth values")
    return ops.stop_gradient(x if "float" in ops.dtype(x) else ops.cast(x, "float32"))


def integers(values: Any, *, like: Any) -> Any:
    """Token ids, or a mask."""
    tensor = ops.convert_to_tensor(values)
    if "float" in ops.dtype(tensor):
        broken = concrete(ops.any(tensor != ops.floor(tensor)))
        if broken is not None and broken:
            raise BadInput(f"token ids and masks are whole numbers, got {ops.dtype(tensor)}")
    return ops.cast(tensor, "int64" if ops.dtype(tensor) == "int64" else "int32")


def concrete(values: Any) -> NDArray[Any] | None:
    """The values on the host; ``None`` where there are none yet, under ``tf.function``."""
    try:
        return np.asarray(ops.convert_to_numpy(values))
    except NotImplementedError:
        return None


def given(nats: Any, kept: Any) -> Any:
    """Surprisals as they came, zero where not kept and not a number where they are negative."""
    wide = _no_less_than_zero(_wide(nats))
    return ops.where(kept, wide, ops.zeros_like(wide))


def nll(scores: Any, target: Any, kept: Any, kind: str) -> Any:
    """Surprisals, shape of ``target``; zero where not kept, not a number where the target is no id."""
    possible = (target >= 0) & (target < scores.shape[-1])
    places = ops.where(possible, target, ops.zeros_like(target))[..., None]
    chosen = _wide(ops.take_along_axis(scores, places, axis=-1)[..., 0])
    nats = _surprisals(_wide(scores), chosen, kind)
    nothing = ops.zeros_like(nats)
    return ops.where(kept, ops.where(possible, nats, nothing + float("nan")), nothing)


def _surprisals(wide: Any, chosen: Any, kind: str) -> Any:
    if kind == "logprobs":
        return _no_less_than_zero(0 - chosen)
    if kind == "probs":
        sums = ops.sum(wide, axis=-1)
        positive = ops.maximum(chosen, ops.zeros_like(chosen))
        possible = (ops.min(wide, axis=-1) >= -DUST) & ops.isfinite(sums)
        return ops.where(possible, ops.log(sums) - ops.log(positive), ops.zeros_like(sums) + float("nan"))
    most = ops.max(wide, axis=-1, keepdims=True)
    nats = ops.log(ops.sum(ops.exp(wide - most), axis=-1)) + (most[..., 0] - chosen)
    return ops.where(nats < 0, ops.zeros_like(nats), nats)


def _no_less_than_zero(nats: Any) -> Any:
    nothing = ops.zeros_like(nats)
    return ops.where(nats > -ROUNDING, ops.maximum(nats, nothing), nothing + float("nan"))


def head_nll(states: Any, head: Head, target: Any, kept: Any) -> Any:
    """Surprisals, shape of ``target``; zero where not kept, not a number where the target is no id."""
    return chunked_head.head_nll(ops, _wide, states, head, target, kept)


def _wide(tensor: Any) -> Any:
    return tensor if ops.dtype(tensor) == "float64" else ops.cast(tensor, "float32")
