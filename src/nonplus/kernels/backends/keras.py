"""Surprisals from TensorFlow tensors, with the operations of ``keras.ops``."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from nonplus.kernels.backends import Head, ScoreKind, chunked_head, row_formulas
from nonplus.kernels.backends.refusals import not_scores, refuse_fractions

_NAMESPACE = SimpleNamespace(concat=ops.concatenate, zeros_like=ops.zeros_like)


def namespace(x: Any) -> Any:
    """Keras' operations by the standard's names."""
    return _NAMESPACE


def scores(x: Any) -> Any:
    """``x`` as floating point, without its gradient history."""
    if ops.dtype(x) == "bool":
        raise not_scores("bool")
    return ops.stop_gradient(x if "float" in ops.dtype(x) else ops.cast(x, "float32"))


def integers(values: Any, *, like: Any) -> Any:
    """Token ids or a mask."""
    tensor = ops.convert_to_tensor(values)
    if "float" in ops.dtype(tensor):
        refuse_fractions(concrete(ops.any(tensor != ops.floor(tensor))), ops.dtype(tensor))
    return ops.cast(tensor, "int64" if ops.dtype(tensor) == "int64" else "int32")


def concrete(values: Any) -> NDArray[Any] | None:
    """The values as NumPy; ``None`` under ``tf.function``."""
    try:
        return np.asarray(ops.convert_to_numpy(values))
    except NotImplementedError:
        return None


def checked_nats(nats: Any, kept: Any) -> Any:
    """Surprisals that others computed, NaN where they are negative."""
    return row_formulas.checked_nats(ops, _wide(nats), kept)


def nll(scores: Any, target: Any, kept: Any, kind: ScoreKind) -> Any:
    """Surprisals, NaN also where the target is not an id."""
    rows = partial(row_formulas.nats_of_rows, ops, _wide, kind=kind)
    return row_formulas.nats_of_targets(ops, scores, target, kept, rows)


def head_nll(states: Any, head: Head, target: Any, kept: Any) -> Any:
    """Surprisals from hidden states, NaN also where the target is not an id."""
    return chunked_head.head_nll(ops, _wide, states, head, target, kept)


def _wide(tensor: Any) -> Any:
    return tensor if ops.dtype(tensor) == "float64" else ops.cast(tensor, "float32")
