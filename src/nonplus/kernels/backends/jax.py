"""Surprisals from jax arrays, inside and outside of ``jax.jit``."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from nonplus.kernels.backends import Head, ScoreKind, chunked_head, row_formulas
from nonplus.kernels.backends.refusals import as_numbers, not_dense, not_scores, refuse_fractions


def namespace(x: Array) -> Any:
    """``jax.numpy``."""
    return jnp


def scores(x: Array) -> Array:
    """``x`` as floating point, without its gradient history."""
    if not isinstance(x, Array):
        raise not_dense(f"a sparse {type(x).__name__} of jax", "pass x.todense()")
    if jnp.issubdtype(x.dtype, jnp.integer):
        x = x.astype(float)  # float64 under jax_enable_x64, else float32
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise not_scores(x.dtype)
    return jax.lax.stop_gradient(x)


def integers(values: Any, *, like: Array) -> Array:
    """Token ids or a mask."""
    # what is not jax's yet is checked in its own precision: jax cuts 64 bits to 32
    array = values if isinstance(values, Array) else as_numbers(values)
    if array.dtype.kind not in "iub":
        refuse_fractions(concrete(jnp.any(jnp.asarray(array) != jnp.floor(jnp.asarray(array)))), array.dtype)
    if isinstance(array, np.ndarray) and array.dtype.kind in "iu":  # else 2**32 would become 0
        kept = np.iinfo(jnp.asarray(0).dtype)
        array = np.clip(array, max(kept.min, np.iinfo(array.dtype).min), min(kept.max, np.iinfo(array.dtype).max))
    return jnp.asarray(array).astype(int)


def concrete(values: Array) -> NDArray[Any] | None:
    """The values as NumPy; ``None`` under ``jax.jit``."""
    return None if isinstance(values, jax.core.Tracer) else np.asarray(values)


def checked_nats(nats: Array, kept: Array) -> Array:
    """Surprisals that others computed, NaN where they are negative."""
    checked: Array = row_formulas.checked_nats(jnp, _wide(nats), kept)
    return checked


@partial(jax.jit, static_argnames="kind")  # one pass without a copy, also if the caller does not compile
def nll(scores: Array, target: Array, kept: Array, kind: ScoreKind) -> Array:
    """Surprisals, NaN also where the target is not an id."""
    rows = partial(row_formulas.nats_of_rows, jnp, _wide, kind=kind)

    def by_platform(scores: Array, target: Array) -> Array:
        nats: Array = jax.lax.platform_dependent(scores, target, cpu=partial(_row_by_row, rows), default=rows)
        return nats

    nats: Array = row_formulas.nats_of_targets(jnp, scores, target, kept, by_platform)
    return nats


def _row_by_row(rows: row_formulas.Rows, scores: Array, target: Array) -> Array:
    """On a CPU the compiler copies many rows at once, which takes twice the time."""
    flat_NV, target_N = scores.reshape(-1, scores.shape[-1]), target.reshape(-1)
    nats_N: Array = jax.lax.map(lambda row: rows(*row), (flat_NV, target_N))
    return nats_N.reshape(target.shape)


def head_nll(states: Array, head: Head, target: Array, kept: Array) -> Array:
    """Surprisals from hidden states, NaN also where the target is not an id."""
    with jax.default_matmul_precision("highest"):  # by default TF32 on a GPU, bfloat16 on a TPU
        nats: Array = chunked_head.head_nll(jnp, _wide, states, head, target, kept)
    return nats


def _wide(array: Array) -> Array:
    return array if array.dtype == jnp.float64 else array.astype(jnp.float32)
