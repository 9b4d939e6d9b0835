"""What a whole distribution says about a token: a function of log-probabilities, whatever model gave them.

Letters in shapes: N places asked for, M places of a chunk, V vocabulary, k alternatives.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Ints, Readings, joined

Logprobs = NDArray[np.floating[Any]]


def readings(chunks: Iterable[Logprobs], target_N: Ints, *, top: int) -> Readings:
    """Surprisal, entropy, rank and the ``top`` most probable tokens of each target.

    ``chunks`` are what ``distributions`` gives: log-probabilities (M, V) of consecutive places. A chunk is read before
    the next one is asked for.
    """
    parts, start = [], 0
    for logprob_MV in chunks:
        stop = start + len(logprob_MV)
        parts.append(_readings(logprob_MV, target_N[start:stop], top))
        start = stop
    return joined(parts)


def _readings(logprob_MV: Logprobs, target_M: Ints, top: int) -> Readings:
    row_M = np.arange(len(logprob_MV))
    chosen_M = logprob_MV[row_M, target_M]
    top_ids_Mk = _largest(logprob_MV, min(top, logprob_MV.shape[1]))
    # a token of probability 0 adds nothing to the entropy, but 0 * -inf is NaN
    finite_MV = np.maximum(logprob_MV, np.finfo(logprob_MV.dtype).min)
    return Readings(
        nats=np.maximum(0.0 - chosen_M.astype(np.float64), 0.0),
        entropy=np.maximum(0.0 - np.einsum("mv,mv->m", np.exp(finite_MV), finite_MV).astype(np.float64), 0.0),
        rank=1 + np.count_nonzero(logprob_MV > chosen_M[:, None], axis=1).astype(np.int64),
        top_ids=top_ids_Mk,
        top_nats=np.maximum(0.0 - logprob_MV[row_M[:, None], top_ids_Mk].astype(np.float64), 0.0),
    )


def _largest(logprob_MV: Logprobs, k: int) -> Ints:
    """Ids of the ``k`` largest of each row, the largest first and equal ones by id; shape (M, k)."""
    if k == 0:
        return np.empty((len(logprob_MV), 0), np.int64)
    ids_Mk = np.sort(np.argpartition(np.negative(logprob_MV), k - 1, axis=1)[:, :k], axis=1)
    order_Mk = np.argsort(-np.take_along_axis(logprob_MV, ids_Mk, axis=1), axis=1, kind="stable")
    return np.take_along_axis(ids_Mk, order_Mk, axis=1)
