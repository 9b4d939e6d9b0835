"""Surprisals from any arrays that follow the array API standard, in its version 2024.12 or later.

Letters in shapes: N rows, M rows at once, V vocabulary.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.kernels.backends import DUST, ROUNDING, Head, chunked_head

_BLOCK_BYTES = 64 << 20  # of logits in floating point at once: large enough for a device, small beside the whole


class Backend:
    """Answers for the arrays of one namespace."""

    def __init__(self, namespace: Any) -> None:
        """``namespace`` is what ``x.__array_namespace__()`` gives."""
        self.xp = namespace
        # the widest that the namespace makes unasked: jax without its 64 bits would warn at each of them
        self._default = namespace.__array_namespace_info__().default_dtypes()

    def scores(self, x: Any) -> Any:
        """``x`` as floating point."""
        if self.xp.isdtype(x.dtype, "integral"):
            return self.xp.astype(x, self._default["real floating"])
        if self.xp.isdtype(x.dtype, ("bool", "complex floating")):
            raise BadInput(f"scores are numbers, got an array of {x.dtype}")
        return x

    def integers(self, values: Any, *, like: Any) -> Any:
        """Token ids, or a mask, on the device of ``like``."""
        array = self.xp.asarray(values, device=like.device)
        if not self.xp.isdtype(array.dtype, ("integral", "bool")) and not self.xp.all(array == self.xp.floor(array)):
            raise BadInput(f"token ids and masks are whole numbers, got {array.dtype}")
        return self.xp.astype(array, self._default["integral"])

    def concrete(self, values: Any) -> NDArray[Any] | None:
        """The values on the host."""
        return np.from_dlpack(values, device="cpu")

    def given(self, nats: Any, kept: Any) -> Any:
        """Surprisals as they came, zero where not kept and not a number where they are negative."""
        wide = self._no_less_than_zero(self._wide(nats))
        return self.xp.where(kept, wide, self.xp.zeros_like(wide))

    def nll(self, scores: Any, target: Any, kept: Any, kind: str) -> Any:
        """Surprisals, shape of ``target``; zero where not kept."""
        xp, v = self.xp, scores.shape[-1]
        flat_NV, target_N, kept_N = (xp.reshape(a, s) for a, s in ((scores, (-1, v)), (target, (-1,)), (kept, (-1,))))
        n = target_N.shape[0]
        step = max(1, _BLOCK_BYTES // (8 * v))
        blocks = [slice(start, min(n, start + step)) for start in range(0, max(n, 1), step)]
        safe_N = xp.where(kept_N, target_N, xp.zeros_like(target_N))
        with np.errstate(divide="ignore", invalid="ignore"):  # where NumPy is under the namespace
            nats_N = xp.concat([self._block(flat_NV[rows, :], safe_N[rows], kind) for rows in blocks])
        return xp.reshape(xp.where(kept_N, nats_N, xp.zeros_like(nats_N)), target.shape)

    def head_nll(self, states: Any, head: Head, target: Any, kept: Any) -> Any:
        """Surprisals, shape of ``target``; zero where not kept, not a number where the target is no id."""
        with np.errstate(divide="ignore", invalid="ignore"):  # where NumPy is under the namespace
            return chunked_head.head_nll(self.xp, self._wide, states, head, target, kept)

    def _no_less_than_zero(self, nats: Any) -> Any:
        positive = self.xp.where(nats < 0, self.xp.zeros_like(nats), nats)
        return self.xp.where(nats > -ROUNDING, positive, self.xp.zeros_like(nats) + self.xp.nan)

    def _block(self, scores_MV: Any, target_M: Any, kind: str) -> Any:
        xp = self.xp
        chosen_M = self._wide(xp.take_along_axis(scores_MV, target_M[:, None], axis=1)[:, 0])
        if kind == "logprobs":
            return self._no_less_than_zero(0 - chosen_M)
        wide_MV = self._wide(scores_MV)
        if kind == "probs":
            sum_M = xp.sum(wide_MV, axis=1)
            positive_M = xp.where(chosen_M < 0, xp.zeros_like(chosen_M), chosen_M)
            possible_M = (xp.min(wide_MV, axis=1) >= -DUST) & xp.isfinite(sum_M)
            return xp.where(
                possible_M,
                xp.log(sum_M) - xp.log(positive_M),
                xp.zeros_like(sum_M) + xp.nan,
            )
        most_M1 = xp.max(wide_MV, axis=1, keepdims=True)
        rest_M = xp.log(xp.sum(xp.exp(wide_MV - most_M1), axis=1))
        nats_M = rest_M + (most_M1[:, 0] - chosen_M)
        return xp.where(nats_M < 0, xp.zeros_like(nats_M), nats_M)

    def _wide(self, array: Any) -> Any:
        return array if array.dtype == self.xp.float64 else self.xp.astype(array, self.xp.float32)
