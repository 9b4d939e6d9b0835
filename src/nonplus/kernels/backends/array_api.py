"""Surprisals from arrays of the array API standard, version 2024.12 or later."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.backends import Head, ScoreKind, chunked_head, row_formulas
from nonplus.kernels.backends.refusals import not_scores, refuse_fractions

# In floating point at once: 64 MB of float64, large enough for a GPU.
_BLOCK_SCORES = 8 << 20


def namespace(x: Any) -> Any:
    """The namespace that ``x`` names."""
    return x.__array_namespace__()


def scores(x: Any) -> Any:
    """``x`` as floating point."""
    xp = namespace(x)
    if xp.isdtype(x.dtype, "integral"):
        return xp.astype(x, _default_dtypes(xp)["real floating"])
    if xp.isdtype(x.dtype, ("bool", "complex floating")):
        raise not_scores(x.dtype)
    return x


def integers(values: Any, *, like: Any) -> Any:
    """Token ids or a mask, on the device of ``like``."""
    xp = namespace(like)
    array = xp.asarray(values, device=like.device)
    if not xp.isdtype(array.dtype, ("integral", "bool")):
        refuse_fractions(bool(xp.any(array != xp.floor(array))), array.dtype)
    return xp.astype(array, _default_dtypes(xp)["integral"])


def concrete(values: Any) -> NDArray[Any] | None:
    """The values as NumPy."""
    return np.from_dlpack(values, device="cpu")


def checked_nats(nats: Any, kept: Any) -> Any:
    """Surprisals that others computed, NaN where they are negative."""
    xp = namespace(nats)
    return row_formulas.checked_nats(xp, _wide(xp, nats), kept)


def nll(scores: Any, target: Any, kept: Any, kind: ScoreKind) -> Any:
    """Surprisals, a block of rows at a time."""
    xp = namespace(scores)
    rows = partial(row_formulas.nats_of_rows, xp, partial(_wide, xp), kind=kind)
    blocks = partial(row_formulas.in_blocks, xp, rows, scores_at_once=_BLOCK_SCORES)
    with np.errstate(divide="ignore", invalid="ignore"):  # if the namespace is NumPy's
        return row_formulas.nats_of_targets(xp, scores, target, kept, blocks)


def head_nll(states: Any, head: Head, target: Any, kept: Any) -> Any:
    """Surprisals from hidden states, NaN also where the target is not an id."""
    xp = namespace(states)
    with np.errstate(divide="ignore", invalid="ignore"):  # if the namespace is NumPy's
        return chunked_head.head_nll(xp, partial(_wide, xp), states, head, target, kept)


def _wide(xp: Any, array: Any) -> Any:
    return array if array.dtype == xp.float64 else xp.astype(array, xp.float32)


def _default_dtypes(xp: Any) -> Any:
    """The widest dtypes by default: jax without 64 bits warns of each wider one."""
    return xp.__array_namespace_info__().default_dtypes()
