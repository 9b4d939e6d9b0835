"""Entropy, rank and alternatives of a token: functions of its whole distribution.

Letters in shapes: N targets, M positions of a chunk, V vocabulary, k alternatives,
G groups.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Ints
from nonplus.measure.scores import Readings, joined
from nonplus.threads import in_threads, processors

Logprobs = NDArray[np.floating[Any]]

_BLOCK_BYTES = 1 << 20  # of log-probabilities read together: they and what is made of them stay in the cache
_GROUP = 16  # log-probabilities in a group, at most; only their maximum counts in the search for the top k


def readings(chunks: Iterable[Logprobs], target_N: Ints, *, top: int) -> Readings:
    """Surprisal, entropy, rank and the ``top`` most probable tokens of each target.

    ``chunks`` are those of a model's ``distributions``, in the order of the targets.
    Each is read before the next one is made, its rows in threads.
    """
    parts: list[Readings] = []
    start = 0
    for logprob_MV in chunks:
        target_M = target_N[start : start + len(logprob_MV)]
        start += len(logprob_MV)
        count = max(1, min(processors(), logprob_MV.nbytes // _BLOCK_BYTES))
        shares = zip(np.array_split(logprob_MV, count), np.array_split(target_M, count), strict=True)
        parts += in_threads(lambda share: _in_blocks(*share, top), shares)
    return joined(parts or [_readings(np.empty((0, top)), target_N, top)])


def _in_blocks(logprob_MV: Logprobs, target_M: Ints, top: int) -> Readings:
    step = max(1, _BLOCK_BYTES // (logprob_MV.shape[1] * logprob_MV.itemsize))
    blocks = [slice(first, first + step) for first in range(0, max(1, len(logprob_MV)), step)]
    return joined([_readings(logprob_MV[block], target_M[block], top) for block in blocks])


def _readings(logprob_MV: Logprobs, target_M: Ints, top: int) -> Readings:
    row_M = np.arange(len(logprob_MV))
    chosen_M = logprob_MV[row_M, target_M]
    more_probable_MV = logprob_MV > chosen_M[:, None]
    top_ids_Mk = _largest(logprob_MV, min(top, logprob_MV.shape[1]))
    # a token of probability 0 adds nothing to the entropy, but 0 * -inf is NaN
    finite_MV = np.maximum(logprob_MV, np.finfo(logprob_MV.dtype).min)
    return Readings(
        nats=np.maximum(0.0 - chosen_M.astype(np.float64), 0.0),
        entropy=np.maximum(0.0 - np.einsum("mv,mv->m", np.exp(logprob_MV), finite_MV).astype(np.float64), 0.0),
        # row by row, because NumPy counts along an axis several times as slowly
        rank=np.array([1 + np.count_nonzero(row_V) for row_V in more_probable_MV], np.int64),
        top_ids=top_ids_Mk,
        top_nats=np.maximum(0.0 - logprob_MV[row_M[:, None], top_ids_Mk].astype(np.float64), 0.0),
    )


def _largest(logprob_MV: Logprobs, k: int) -> Ints:
    """Ids of the ``k`` largest of each row, in order, equal ones by id; shape (M, k).

    Only candidates are sorted. They are found by cutting the vocabulary into groups: at
    least k log-probabilities, and few more, reach the k-th largest of the groups'
    maxima.
    """
    m, v = logprob_MV.shape
    if k == 0:
        return np.empty((m, 0), np.int64)
    size = max(1, min(_GROUP, v // (4 * k)))
    groups = v // size
    most_MG = logprob_MV[:, : groups * size].reshape(m, size, groups).max(axis=1)
    bound_M1 = np.partition(most_MG, groups - k, axis=1)[:, groups - k, None]
    # "not below" rather than "at least", so that rows with NaN have candidates too
    row, column = np.divmod(np.flatnonzero(~(logprob_MV < bound_M1)), v)
    order = np.lexsort((-logprob_MV[row, column], row))  # stable: equal ones stay in order of their ids
    first_M1 = np.searchsorted(row, np.arange(m))[:, None]
    ids_Mk: Ints = column[order[first_M1 + np.arange(k)]]
    return ids_Mk
