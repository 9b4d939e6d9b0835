"""The perplexity of probabilities, log-probabilities or logits in memory."""

import math
from numbers import Real
from typing import Any, Self, final

import numpy as np

from nonplus.errors import BadInput, BadProbability
from nonplus.kernels.dispatch import backend_of
from nonplus.kernels.masked import unmasked
from nonplus.kernels.token_nll import token_nll
from nonplus.measure.records import Bools, Floats
from nonplus.measure.statistics.fixed_point import exp
from nonplus.metrics.to_numpy import Array, as_numpy, is_array

_ROUNDING = 1e-6  # a probability may be above 1 by this much, and its logarithm above 0


@final
class Perplexity(float):
    """A perplexity per token: a float with the sums that it comes from.

    ``nats`` is the surprisal of all ``tokens`` together. ``zeros`` are the places of
    tokens of probability 0, in row-major order; one of them makes the perplexity
    infinite. A perplexity too large for a float is infinite too, while its logarithm
    ``log`` stays finite.
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
        """The logarithm of the perplexity to ``base``: mean surprisal per token."""
        return self.log_in(self.base)

    @property
    def bits_per_token(self) -> float:
        """Mean surprisal per token in bits."""
        return self.log_in(2)

    def log_in(self, base: float) -> float:
        """The logarithm of the perplexity to ``base``, a number above 1."""
        return self.nats / self.tokens / log_of_base(base)

    def __repr__(self) -> str:
        zeros = f", zeros={len(self.zeros)}" if self.zeros else ""
        return f"Perplexity({float(self):.5g}, tokens={self.tokens}{zeros})"


def perplexity(
    *, probs: Any = None, logprobs: Any = None, logits: Any = None, targets: Any = None, base: float = math.e
) -> Perplexity:
    """The perplexity of tokens from one of ``probs``, ``logprobs`` and ``logits``.

    ``probs`` are the probabilities of the tokens, ``logprobs`` their logarithms to
    ``base``, and ``logits`` (..., V) the scores of the whole vocabulary for ``targets``
    (...): ``logits[i]`` predicts ``targets[i]``, so shift first, as in
    ``logits=logits[:-1], targets=ids[1:]``. Lists and arrays of any leading shape work:
    NumPy, torch, jax, mlx, and the array API standard. Tokens that a masked array of
    NumPy masks (``probs``, ``logprobs`` or ``targets``) do not count.

    ``base`` is that of ``logprobs`` and of the result's ``log``. The perplexity itself,
    ``nats`` and ``bits_per_token`` do not depend on it.

    Raises:
        BadProbability: an invalid probability, log-probability or row of logits, with
            its place.
        BadInput: not exactly one of the three, or shapes or targets that do not fit.
    """
    inputs = {"probs=": probs, "logprobs=": logprobs, "logits=": logits}
    passed = [name for name, values in inputs.items() if values is not None]
    if len(passed) != 1:
        raise BadInput(f"pass exactly one of probs=, logprobs= and logits=, got {' and '.join(passed) or 'none'}")
    if (targets is None) == (logits is not None):
        got = "without" if targets is None else "with"
        raise BadInput(f"targets= belong to logits= only, got {passed[0]} {got} targets=")
    log_of_base(base)
    if probs is not None:
        values, kept = unmasked(probs, fill=1.0)
        nats_N = token_nats_from_probs(values)
    elif logprobs is not None:
        values, kept = unmasked(logprobs, fill=0.0)
        nats_N = token_nats_from_logprobs(values, base)
    else:
        kept = unmasked(targets, fill=0)[1]
        nats_N = token_nats_from_logits(logits, targets)
    tokens = len(nats_N) if kept is None else int(kept.sum())
    if not tokens:
        raise BadInput(f"a perplexity needs tokens that count, and all {len(nats_N)} are masked; check the mask")
    zeros = tuple(np.flatnonzero(np.isinf(nats_N)).tolist())
    try:
        nats = math.inf if zeros else math.fsum(nats_N)
    except OverflowError:
        raise BadProbability(
            "the sum of these log-probabilities is too large for a float; check where they come from"
        ) from None
    return Perplexity(nats=nats, tokens=tokens, zeros=zeros, base=base)


def log_of_base(base: float) -> float:
    """Nats in one unit of a logarithm to ``base``.

    Raises:
        BadInput: ``base`` is not a finite number above 1.
    """
    if not (isinstance(base, Real) and 1 < base < math.inf):
        raise BadInput(f"base must be a finite number above 1, got {base!r}; use base=2, 10 or math.e")
    return math.log(base)


def token_nats_from_probs(values: Any) -> Floats:
    """Surprisals (N,) of tokens with these probabilities; infinite for 0.

    Raises:
        BadProbability: an invalid probability.
        BadInput: ``values`` are empty or not numbers.
    """
    probs = _numbers(values, "probs")
    probs_N = probs.reshape(-1).astype(np.float64)
    _refuse(np.isnan(probs_N), probs, "probs", "is NaN; find out where it was computed")
    _refuse(probs_N < 0, probs, "probs", "is negative; if these are log-probabilities, use logprobs=")
    _refuse(probs_N > 1 + _ROUNDING, probs, "probs", "is more than 1; if these are logits, use logits=")
    with np.errstate(divide="ignore"):
        return 0.0 - np.log(np.minimum(probs_N, 1.0))


def token_nats_from_logprobs(values: Any, base: float = math.e) -> Floats:
    """Surprisals (N,) of tokens with these log-probabilities to ``base``.

    Raises:
        BadProbability: an invalid log-probability.
        BadInput: ``values`` are empty or not numbers, or ``base`` is invalid.
    """
    logprobs = _numbers(values, "logprobs")
    logprobs_N = logprobs.reshape(-1).astype(np.float64)
    _refuse(np.isnan(logprobs_N), logprobs, "logprobs", "is NaN; find out where it was computed")
    others = "probabilities, use probs=" if np.all(np.abs(logprobs_N) <= 1) else "surprisals, pass their negatives"
    _refuse(logprobs_N > _ROUNDING, logprobs, "logprobs", f"is more than 0; if these are {others}")
    return 0.0 - np.minimum(logprobs_N, 0.0) * log_of_base(base)


def token_nats_from_logits(logits: Any, targets: Any) -> Floats:
    """Surprisals (N,) of ``targets`` (...) under ``logits`` (..., V), place for place.

    That of a masked target is 0. The log-sum-exp is computed in float64 for float64
    logits and in float32 for all others.

    Raises:
        BadProbability: a row that leaves no distribution: one with NaN, or without a
            possible token.
        BadInput: shapes that do not fit, targets outside the vocabulary, or no token.
    """
    scores = logits if is_array(logits) else _numbers(logits, "logits")
    ids, kept = unmasked(targets, fill=0)
    target = _numbers(ids, "targets")
    if target.dtype.kind not in "iu":
        raise BadInput(f"targets must be token ids, integers, got {target.dtype}; convert them, or use probs=")
    scores = backend_of(scores).scores(scores)
    if not scores.shape:
        raise BadInput("logits need the vocabulary as their last axis, got a single number; did you mean logprobs=?")
    single = len(scores.shape) == 1
    target = target[None] if single else target
    mask = None if kept is None else kept.reshape(target.shape)
    nats = token_nll(scores[None] if single else scores, target, mask=mask).nats
    return np.asarray(as_numpy(nats), np.float64).reshape(-1)


def _numbers(values: Any, name: str) -> Array:
    """``values`` as an array of at least one number."""
    try:
        array = np.asarray(as_numpy(values))
    except BadInput:
        raise
    except ValueError as fault:
        raise BadInput(f"{name} must be numbers in a regular shape: {fault}") from None
    if array.size == 0:
        raise BadInput(f"{name} need at least one token, got the shape {array.shape}")
    if array.dtype.kind not in "iuf":
        raise BadInput(f"{name} must be a list or array of numbers, got {type(values).__name__} of {array.dtype}")
    return array


def _refuse(wrong_N: Bools, values: Array, name: str, fault: str) -> None:
    if wrong_N.any():
        first = int(np.flatnonzero(wrong_N)[0])
        raise BadProbability(f"{name} at {_place(first, values.shape)}: {values.flat[first]} {fault}")


def _place(flat: int, shape: tuple[int, ...]) -> str:
    """A place as an index."""
    indices = [int(i) for i in np.unravel_index(flat, shape)] if len(shape) > 1 else [flat]
    return f"[{', '.join(map(str, indices))}]"
