"""From numbers that a user has in hand to the surprisal of each token in nats.

Lists, NumPy arrays and torch tensors are all taken, of any leading shape; what comes back is flat and in reading order.
Torch is never imported: a tensor that is here brings its own methods.

Letters in shapes: N tokens, V vocabulary, M rows at once.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput, BadProbability
from nonplus.kernels.numpy_head import Real, log_sum_exp
from nonplus.records import Floats, Ints

_ROUNDING = 1e-6  # how far above 1 a probability may lie, or above 0 its logarithm
_CHUNK = 1 << 24  # bytes of logits held in floating point at once

Array = NDArray[Any]


def log_of_base(base: float) -> float:
    """Nats in one unit of a logarithm to ``base``.

    Raises:
        BadInput: there is no logarithm to that base in which a perplexity could be given.
    """
    if not 1 < base < math.inf:
        raise BadInput(f"the base of a logarithm is a number above 1, got {base!r}; use base=2, 10 or math.e")
    return math.log(base)


def token_nats_from_probs(values: Any) -> Floats:
    """Surprisals (N,) of tokens whose probabilities are ``values``; infinite for a probability of zero.

    Raises:
        BadProbability: a value that is no probability.
        BadInput: there are none, or they are no numbers.
    """
    given = _numbers(values, "probs")
    likely_N = given.reshape(-1).astype(np.float64)
    _refuse(np.isnan(likely_N), given, "probs", "is no number; find out where it was made")
    _refuse(likely_N < 0, given, "probs", "is negative; if these are log-probabilities, use logprobs=")
    _refuse(likely_N > 1 + _ROUNDING, given, "probs", "is more than 1; if these are logits, use logits=")
    with np.errstate(divide="ignore"):
        return 0.0 - np.log(np.minimum(likely_N, 1.0))


def token_nats_from_logprobs(values: Any, base: float = math.e) -> Floats:
    """Surprisals (N,) of tokens whose log-probabilities to ``base`` are ``values``; infinite for minus infinity.

    Raises:
        BadProbability: a value that is no log-probability.
        BadInput: there are none, or they are no numbers, or ``base`` is no base.
    """
    given = _numbers(values, "logprobs")
    logprob_N = given.reshape(-1).astype(np.float64)
    _refuse(np.isnan(logprob_N), given, "logprobs", "is no number; find out where it was made")
    looks = "probabilities, use probs=" if np.all(np.abs(logprob_N) <= 1) else "surprisals, pass their negatives"
    _refuse(logprob_N > _ROUNDING, given, "logprobs", f"is more than 0; if these are {looks}")
    return 0.0 - np.minimum(logprob_N, 0.0) * log_of_base(base)


def token_nats_from_logits(logits: Any, targets: Any) -> Floats:
    """Surprisals (N,) of ``targets`` (...) under ``logits`` (..., V), where ``logits[i]`` predicts ``targets[i]``.

    The log-sum-exp is taken in float64 for float64 logits and in float32 for all others, a few rows at a time.

    Raises:
        BadProbability: a row that leaves no distribution: not a number, or nothing possible.
        BadInput: shapes that do not fit, targets that are no ids of the vocabulary, or nothing at all.
    """
    logits = logits if _is_torch(logits) else _numbers(logits, "logits")
    shape = tuple(logits.shape)
    target_N = _ids(targets, shape)
    nats_N = np.empty(len(target_N))
    done = 0
    for rows_MV in _chunks(logits):
        part = slice(done, done + len(rows_MV))
        nats_N[part] = _row_nats(rows_MV, target_N[part])
        done = part.stop
    if np.isnan(nats_N).any():
        place = _place(int(np.flatnonzero(np.isnan(nats_N))[0]), shape[:-1])
        raise BadProbability(
            f"the logits at {place} leave no distribution: one of them is not a number or plus infinity, or all are "
            f"minus infinity; find out where they were made"
        )
    return nats_N


def _row_nats(rows_MV: Real, target_M: Ints) -> Floats:
    """Surprisals (M,); not a number where a row leaves no distribution."""
    chosen_M = rows_MV[np.arange(len(rows_MV)), target_M].astype(np.float64)
    with np.errstate(invalid="ignore"):
        nats_M: Floats = np.maximum(log_sum_exp(rows_MV) - chosen_M, 0.0)
    return nats_M


def _chunks(logits: Any) -> Iterator[Real]:
    """The rows in reading order, a few at a time, as float arrays that may be overwritten."""
    if len(logits.shape) > 2:
        for each in logits:
            yield from _chunks(each)
        return
    rows = logits if len(logits.shape) == 2 else logits[None]
    step = max(1, _CHUNK // (8 * rows.shape[1]))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        array = _from_torch(part) if _is_torch(part) else part
        single = array.dtype in (np.float16, np.float32)
        yield array.astype(np.float32 if single else np.float64)


def _ids(targets: Any, logits_shape: tuple[int, ...]) -> Ints:
    """Targets (N,) that fit the logits."""
    given = _numbers(targets, "targets")
    if not logits_shape:
        raise BadInput("logits have the vocabulary as their last axis, got a single number; did you mean logprobs=?")
    *leading, vocabulary = logits_shape
    if given.shape != tuple(leading):
        raise BadInput(
            f"logits of shape {logits_shape} predict targets of shape {tuple(leading)}, got targets of shape "
            f"{given.shape}; logits[i] must be the prediction of targets[i], so cut off what has no partner"
        )
    if given.dtype.kind not in "iu":
        raise BadInput(f"targets are token ids, whole numbers, got {given.dtype}; convert them, or use probs=")
    outside = (given < 0) | (given >= vocabulary)
    if outside.any():
        first = int(np.flatnonzero(outside)[0])
        raise BadInput(
            f"target {given.flat[first]} at {_place(first, given.shape)} is outside the vocabulary of {vocabulary}; "
            f"leave out places that are not to be counted, such as those labelled -100"
        )
    return given.reshape(-1).astype(np.int64)


def _numbers(values: Any, name: str) -> Array:
    """``values`` as an array of at least one number."""
    try:
        array = _from_torch(values) if _is_torch(values) else np.asarray(values)
    except ValueError as fault:
        raise BadInput(f"{name} must be numbers in a regular shape, and these are not: {fault}") from None
    if array.size == 0:
        raise BadInput(f"{name} of shape {array.shape} hold nothing to measure; at least one token is needed")
    if array.dtype.kind not in "iuf":
        raise BadInput(f"{name} must be a list or array of numbers, got {type(values).__name__} of {array.dtype}")
    return array


def _is_torch(values: Any) -> bool:
    return any(kind.__module__.partition(".")[0] == "torch" for kind in type(values).__mro__)


def _from_torch(tensor: Any) -> Array:
    """As NumPy; formats that it does not know, such as bfloat16, as float32."""
    tensor = tensor.detach().cpu()
    known = not tensor.dtype.is_floating_point or tensor.dtype.itemsize == np.dtype(np.float64).itemsize
    array: Array = (tensor if known else tensor.float()).numpy()
    return array


def _refuse(wrong_N: NDArray[np.bool_], given: Array, name: str, fault: str) -> None:
    if wrong_N.any():
        first = int(np.flatnonzero(wrong_N)[0])
        raise BadProbability(f"{name} at {_place(first, given.shape)}: {given.flat[first]} {fault}")


def _place(flat: int, shape: tuple[int, ...]) -> str:
    """A place as a reader would index it."""
    indices = [int(i) for i in np.unravel_index(flat, shape)] if len(shape) > 1 else [flat]
    return f"[{', '.join(map(str, indices))}]"
