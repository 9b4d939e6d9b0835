"""The perplexity of numbers that are there already: probabilities, log-probabilities or logits."""

import math
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput, BadProbability
from nonplus.kernels.token_nll import token_nll
from nonplus.measure.records import Floats
from nonplus.measure.statistics.fixed_point import exp


@final
class Perplexity(float):
    """A perplexity per token: a number, that knows what it was made of.

    ``nats`` is the surprisal of all ``tokens`` together, ``zeros`` are the places (in reading order) of tokens with
    probability zero; one of them makes the perplexity infinite. A perplexity too large for a float is infinite too,
    while its logarithm ``log`` stays finite.
    """

    __slots__ = ("base", "nats", "tokens", "zeros")

    nats: float
    tokens: int
    zeros: tuple[int, ...]
    base: float

    def __new__(cls, *, nats: float, tokens: int, zeros: tuple[int, ...] = (), base: float = math.e) -> Self:
        """``base`` is that of ``log``."""
        self = super().__new__(cls, exp(nats / tokens))
        self.nats, self.tokens, self.zeros, self.base = nats, tokens, zeros, base
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]:
        return (), {name: getattr(self, name) for name in self.__slots__}

    @property
    def log(self) -> float:
        """The logarithm of the perplexity to the base that was given: mean surprisal per token, in nats by default."""
        return self.log_in(self.base)

    @property
    def bits_per_token(self) -> float:
        """Mean surprisal per token in bits."""
        return self.log_in(2)

    def log_in(self, base: float) -> float:
        """The logarithm of the perplexity to ``base``, a number above 1."""
        return self.nats / self.tokens / log_of_base(base)

    def __repr__(self) -> str:
        impossible = f", zeros={len(self.zeros)}" if self.zeros else ""
        return f"Perplexity({float(self):.5g}, tokens={self.tokens}{impossible})"


def perplexity(
    *, probs: Any = None, logprobs: Any = None, logits: Any = None, targets: Any = None, base: float = math.e
) -> Perplexity:
    """The perplexity of tokens from what is known of them: exactly one of three.

    ``probs`` are the probabilities of the tokens that came, ``logprobs`` the logarithms of these to ``base``, and
    ``logits`` (..., V) the scores of the whole vocabulary, of which ``targets`` (...) came: ``logits[i]`` is what
    was predicted for ``targets[i]``, so shift first, as in ``logits=logits[:-1], targets=ids[1:]``. Lists, NumPy arrays
    and torch tensors of any leading shape are taken.

    ``base`` is that of ``logprobs`` where they are given, and in any case that of the result's ``log``. The perplexity
    itself, ``nats`` and ``bits_per_token`` do not depend on it.

    Raises:
        BadProbability: a number that is no probability, no log-probability or no logit, with its place.
        BadInput: not exactly one of the three, or shapes or targets that do not fit.
    """
    inputs = {"probs=": probs, "logprobs=": logprobs, "logits=": logits}
    given = [name for name, values in inputs.items() if values is not None]
    if len(given) != 1:
        raise BadInput(f"give exactly one of probs=, logprobs= and logits=, got {' and '.join(given) or 'none'}")
    if (targets is None) == (logits is not None):
        met = "without" if targets is None else "with"
        raise BadInput(f"targets= go with logits= and with nothing else, got {given[0]} {met} targets=")
    log_of_base(base)
    if probs is not None:
        nats_N = token_nats_from_probs(probs)
    elif logprobs is not None:
        nats_N = token_nats_from_logprobs(logprobs, base)
    else:
        nats_N = token_nats_from_logits(logits, targets)
    zeros = tuple(np.flatnonzero(np.isinf(nats_N)).tolist())
    try:
        nats = math.inf if zeros else math.fsum(nats_N)
    except OverflowError:
        raise BadProbability(
            "these log-probabilities add up to more than a number can hold; check where they are from"
        ) from None
    return Perplexity(nats=nats, tokens=len(nats_N), zeros=zeros, base=base)


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
