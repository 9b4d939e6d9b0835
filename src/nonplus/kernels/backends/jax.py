"""Surprisals from jax arrays, inside and outside of ``jax.jit``."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.kernels.backends import DUST, ROUNDING, Head, chunked_head

xp = jnp


def scores(x: Array) -> Array:
    """``x`` without its history, as floating point."""
    if jnp.issubdtype(x.dtype, jnp.integer):
        x = x.astype(float)  # float64 under jax_enable_x64, else float32
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise BadInput(f"scores are numbers, got an array of {x.dtype}")
    return jax.lax.stop_gradient(x)


def integers(values: Any, *, like: Array) -> Array:
    """Token ids, or a mask."""
    # what is not jax's yet is looked at in its own precision, for jax cuts 64 bits down to 32
    array = values if isinstance(values, Array) else np.asarray(values)
    if array.dtype.kind not in "iub":
        broken = concrete(jnp.any(jnp.asarray(array) != jnp.floor(jnp.asarray(array))))
        if broken is not None and broken:
            raise BadInput(f"token ids and masks are whole numbers, got {array.dtype}")
    if isinstance(array, np.ndarray) and array.dtype.kind in "iu":  # else 2**32 would come out as 0
        kept = np.iinfo(jnp.asarray(0).dtype)
        array = np.clip(array, max(kept.min, np.iinfo(array.dtype).min), min(kept.max, np.iinfo(array.dtype).max))
    return jnp.asarray(array).astype(int)


def concrete(values: Array) -> NDArray[Any] | None:
    """The values on the host; ``None`` where there are none yet, under ``jax.jit``."""
    return None if isinstance(values, jax.core.Tracer) else np.asarray(values)


def given(nats: Array, kept: Array) -> Array:
    """Surprisals as they came, zero where not kept and not a number where they are negative."""
    return jnp.where(kept, _no_less_than_zero(nats.astype(_wide(nats))), 0)


@partial(jax.jit, static_argnames="kind")  # one pass without a copy also for callers who do not compile
def nll(scores: Array, target: Array, kept: Array, kind: str) -> Array:
    """Surprisals, shape of ``target``; zero where not kept, not a number where the target is no id."""
    possible = (target >= 0) & (target < scores.shape[-1])
    surprisals = partial(_surprisals, kind=kind)
    nats = jax.lax.platform_dependent(
        scores, jnp.where(possible, target, 0), cpu=partial(_one_by_one, surprisals), default=surprisals
    )
    return jnp.where(kept, jnp.where(possible, nats, jnp.nan), 0)


def _one_by_one(surprisals: Callable[[Array, Array], Array], scores: Array, target: Array) -> Array:
    """Row by row: the compiler for CPUs makes a copy of many rows at once, and takes twice the time."""
    rows, targets = scores.reshape(-1, scores.shape[-1]), target.reshape(-1)
    nats: Array = jax.lax.map(lambda each: surprisals(*each), (rows, targets))
    return nats.reshape(target.shape)


def _surprisals(scores: Array, target: Array, *, kind: str) -> Array:
    # never a product with a one-hot row: 0 * -inf is not a number
    chosen = jnp.take_along_axis(scores, target[..., None], axis=-1)[..., 0].astype(_wide(scores))
    if kind == "logprobs":
        return _no_less_than_zero(0 - chosen)
    wide = scores.astype(_wide(scores))
    if kind == "probs":
        sums = wide.sum(-1)
        possible = (wide.min(-1) >= -DUST) & jnp.isfinite(sums)
        return jnp.where(possible, jnp.log(sums) - jnp.log(jnp.maximum(chosen, 0)), jnp.nan)
    most = wide.max(-1, keepdims=True)
    rest = jnp.log(jnp.exp(wide - most).sum(-1))
    return jnp.maximum(rest + (most[..., 0] - chosen), 0)


def _no_less_than_zero(nats: Array) -> Array:
    return jnp.where(nats > -ROUNDING, jnp.maximum(nats, 0), jnp.nan)


def head_nll(states: Array, head: Head, target: Array, kept: Array) -> Array:
    """Surprisals, shape of ``target``; zero where not kept, not a number where the target is no id."""
    nats: Array = chunked_head.head_nll(jnp, _widened, states, head, target, kept)
    return nats


def _widened(array: Array) -> Array:
    return array.astype(_wide(array))


def _wide(array: Array) -> Any:
    return jnp.float64 if array.dtype == jnp.float64 else jnp.float32
