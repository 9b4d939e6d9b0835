"""From numbers that a user has in hand to the surprisal of each token in nats.

Lists, NumPy arrays and torch tensors are all taken, of any leading shape; what comes back is flat and in reading order.
Torch is never imported: a tensor that is here brings its own methods.

Letters in shapes: N tokens, V vocabulary.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput, BadProbability
from nonplus.kernels.token_nll import token_nll
from nonplus.records import Floats

_ROUNDING = 1e-6  # how far above 1 a probability may lie, or above 0 its logarithm

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

    The log-sum-exp is taken in float64 for float64 logits and in float32 for all others.

    Raises:
        BadProbability: a row that leaves no distribution: not a number, or nothing possible.
        BadInput: shapes that do not fit, targets that are no ids of the vocabulary, or nothing at all.
    """
    scores = logits if _is_torch(logits) else _numbers(logits, "logits")
    if not scores.shape:
        raise BadInput("logits have the vocabulary as their last axis, got a single number; did you mean logprobs=?")
    target = _numbers(targets, "targets")
    if target.dtype.kind not in "iu":
        raise BadInput(f"targets are token ids, whole numbers, got {target.dtype}; convert them, or use probs=")
    single = len(scores.shape) == 1
    nats = token_nll(scores[None] if single else scores, target[None] if single else target).nats
    nats_N: Floats = np.asarray(nats.cpu() if _is_torch(nats) else nats, np.float64).reshape(-1)
    return nats_N


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
