"""The perplexity of numbers that are there already: probabilities, log-probabilities or logits."""

import math
from typing import Any, Self, final

import numpy as np

from nonplus.errors import BadInput, BadProbability
from nonplus.kernels.numbers import (
    log_of_base,
    token_nats_from_logits,
    token_nats_from_logprobs,
    token_nats_from_probs,
)
from nonplus.tally import exp


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
