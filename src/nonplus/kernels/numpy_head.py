"""From hidden states to log-probabilities in NumPy, chunk by chunk.

Letters in shapes: N positions, M positions of a chunk, H channels of a hidden state,
V vocabulary.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.backends.numpy import log_sum_exp, nll
from nonplus.kernels.chunks import chunks
from nonplus.kernels.targets import check_ids
from nonplus.measure.records import Floats, Ints
from nonplus.threads import in_threads, processors

Real = NDArray[np.floating[Any]]


def head_logprobs(hidden_NH: Real, weight_HV: Real, target_N: Ints, *, cap_bytes: int) -> Floats:
    """Natural log-probability of each target, shape (N,).

    At most ``cap_bytes`` of logits are held at once.
    """
    check_ids(target_N, weight_HV.shape[1])
    logprob_N = np.empty(len(target_N))
    for positions, room_MV in _rooms(len(hidden_NH), weight_HV, cap_bytes):
        logits_MV = np.matmul(hidden_NH[positions], weight_HV, out=room_MV)
        logprob_N[positions] = 0.0 - nll(logits_MV, target_N[positions], _all_kept(logits_MV), "logits")
    return logprob_N


def head_distributions(hidden_NH: Real, weight_HV: Real, *, cap_bytes: int) -> Iterator[Real]:
    """Log-probabilities of all tokens, as chunks (M, V) of at most ``cap_bytes``.

    The rows of a chunk are computed in threads. The next chunk overwrites it.
    """
    for positions, room_MV in _rooms(len(hidden_NH), weight_HV, cap_bytes):
        hidden_MH = hidden_NH[positions]

        def compute(rows: slice, hidden_MH: Real = hidden_MH, room_MV: Real = room_MV) -> None:
            logits_to_logprobs(np.matmul(hidden_MH[rows], weight_HV, out=room_MV[rows]))

        in_threads(compute, chunks(len(room_MV), -(-len(room_MV) // processors())))
        yield room_MV


def logits_to_logprobs(logits_MV: Real) -> Real:
    """Turn logits into log-probabilities, in place.

    A row that defines no distribution becomes NaN.
    """
    total_M = log_sum_exp(logits_MV, _all_kept(logits_MV))
    # in float64 and rounded once, because a difference of two large float32 numbers
    # would lose the surprisal of an almost certain token
    return np.subtract(logits_MV, total_M[:, None], out=logits_MV, casting="same_kind")


def _rooms(n: int, weight_HV: Real, cap_bytes: int) -> Iterator[tuple[slice, Real]]:
    """Slices of ``n`` positions, and memory for the logits (M, V) of each, which is
    reused.
    """
    v = weight_HV.shape[1]
    step = max(1, min(n, cap_bytes // (v * weight_HV.itemsize)))
    room_MV = np.empty((step, v), weight_HV.dtype)
    return ((part, room_MV[: part.stop - part.start]) for part in chunks(n, step))


def _all_kept(logits_MV: Real) -> NDArray[np.bool_]:
    return np.ones(len(logits_MV), bool)
