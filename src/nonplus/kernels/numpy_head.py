"""From hidden states to log-probabilities in NumPy, a few places at a time.

Letters in shapes: N places asked for, H channels of a hidden state, V vocabulary, k alternatives, M places at once.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.kernels.backends.numpy import log_sum_exp, nll
from nonplus.measure.records import Floats, Ints, Readings, joined

Real = NDArray[np.floating[Any]]


def check_ids(ids: Ints, vocabulary: int) -> None:
    """Refuse ids that the vocabulary does not have.

    Raises:
        BadInput: the first such id and its place.
    """
    outside = (ids < 0) | (ids >= vocabulary)
    if outside.any():
        place = int(np.flatnonzero(outside)[0])
        raise BadInput(
            f"token id {ids.flat[place]} at place {place} is outside the model's vocabulary of {vocabulary}; "
            f"encode the text with the model's own tokenizer"
        )


def head_logprobs(hidden_NH: Real, weight_HV: Real, target_N: Ints, *, cap_bytes: int) -> Floats:
    """Natural log-probability of each target, shape (N,), without ever holding more than ``cap_bytes`` of logits."""
    check_ids(target_N, weight_HV.shape[1])
    answer_N = np.empty(len(target_N))
    for part, logits_MV in _logits(hidden_NH, weight_HV, cap_bytes):
        answer_N[part] = 0.0 - nll(logits_MV, target_N[part], _kept(logits_MV), "logits")
    return answer_N


def head_readings(hidden_NH: Real, weight_HV: Real, target_N: Ints, *, top: int, cap_bytes: int) -> Readings:
    """The same answers with the rest of the distribution summed up beside them."""
    check_ids(target_N, weight_HV.shape[1])
    parts = _logits(hidden_NH, weight_HV, cap_bytes)
    return joined([logits_readings(logits_MV, target_N[part], top=top) for part, logits_MV in parts])


def _logits(hidden_NH: Real, weight_HV: Real, cap_bytes: int) -> Iterator[tuple[slice, Real]]:
    """Slices of the places with their logits, which the next step overwrites."""
    n, v = len(hidden_NH), weight_HV.shape[1]
    step = max(1, min(n, cap_bytes // (v * weight_HV.itemsize)))
    room_MV = np.empty((step, v), weight_HV.dtype)
    for start in range(0, max(n, 1), step):
        part = slice(start, min(n, start + step))
        logits_MV = room_MV[: part.stop - part.start]
        yield part, np.matmul(hidden_NH[part], weight_HV, out=logits_MV)


def logits_readings(logits_MV: Real, target_M: Ints, *, top: int) -> Readings:
    """What each row of logits says about its target; the rows are overwritten."""
    rows_M = np.arange(len(logits_MV))
    chosen_M = logits_MV[rows_M, target_M]
    total_M = log_sum_exp(logits_MV, _kept(logits_MV))
    rank_M = 1 + np.count_nonzero(logits_MV > chosen_M[:, None], axis=1)
    top_ids = _largest(logits_MV, min(top, logits_MV.shape[1]))
    top_logits = logits_MV[rows_M[:, None], top_ids].astype(np.float64)
    most_M = logits_MV.max(axis=1)
    # an impossible token adds nothing to the entropy, but 0 * -inf is no number
    below_MV = np.maximum(logits_MV - most_M[:, None], np.finfo(logits_MV.dtype).min)
    share_MV = np.exp(below_MV, out=logits_MV)
    sum_M = share_MV.sum(axis=1)
    return Readings(
        nats=np.maximum(total_M - chosen_M, 0.0),
        entropy=np.log(sum_M) - np.einsum("mv,mv->m", share_MV, below_MV).astype(np.float64) / sum_M,
        rank=rank_M.astype(np.int64),
        top_ids=top_ids,
        top_nats=total_M[:, None] - top_logits,
    )


def _kept(logits_MV: Real) -> NDArray[np.bool_]:
    return np.ones(len(logits_MV), bool)


def _largest(logits_MV: Real, k: int) -> Ints:
    """Ids of the ``k`` largest of each row, the largest first and equal ones by id; shape (M, k)."""
    if k == 0:
        return np.empty((len(logits_MV), 0), np.int64)
    ids_Mk = np.sort(np.argpartition(np.negative(logits_MV), k - 1, axis=1)[:, :k], axis=1)
    order_Mk = np.argsort(-np.take_along_axis(logits_MV, ids_Mk, axis=1), axis=1, kind="stable")
    return np.take_along_axis(ids_Mk, order_Mk, axis=1)
