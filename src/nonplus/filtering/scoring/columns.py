"""The figures of many documents as columns.

Letters in shapes: D documents.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Floats, Ints
from nonplus.measure.statistics.fixed_point import exps

_LN2 = math.log(2)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreColumns:
    """What a model says of each of D documents; shapes (D,).

    ``nats`` is the surprisal of all scored tokens, infinite with one of probability 0;
    ``tokens`` how many they are, ``bytes`` what they cover of the text in UTF-8, which
    is all of it for a model that scores each token; ``unknown`` counts the tokens that
    stand for text that the model has no token for.

    ``error`` is the standard error of the log-perplexity, in nats per token: that of a
    ratio of sums over eight stretches of the text or, below 256 tokens, over its
    tokens. So it tells how the surprisal varies within one text, not how texts differ;
    what comes next in a text may differ by more. NaN where there is none: below two
    tokens, and with probability 0.

    ``worst`` is the surprisal, in bits per byte, of the worst window of 32 scored
    tokens, which stands at the bytes ``[worst_begin, worst_end)`` of the text; NaN
    where no token covers a byte.

    A document without a token has 0 nats, tokens and bytes, and no other figure.
    """

    nats: Floats
    tokens: Ints
    bytes: Ints
    unknown: Ints
    error: Floats
    worst: Floats
    worst_begin: Ints
    worst_end: Ints

    def __len__(self) -> int:
        """How many documents."""
        return len(self.nats)

    @property
    def log_perplexity(self) -> Floats:
        """Nats per token; NaN where nothing was scored."""
        return _quotient(self.nats, self.tokens)

    @property
    def perplexity(self) -> Floats:
        """Perplexity per token; NaN where nothing was scored."""
        return exps(self.log_perplexity)

    @property
    def bits_per_byte(self) -> Floats:
        """Surprisal in bits per byte; NaN where nothing was scored."""
        return _quotient(self.nats, self.bytes) / _LN2

    @property
    def unknown_rate(self) -> Floats:
        """The part of the tokens that are unknown; NaN where nothing was scored."""
        return _quotient(self.unknown.astype(np.float64), self.tokens)

    def as_dict(self) -> dict[str, NDArray[Any]]:
        """The figures by the names that rules and files have for them; the place of the
        worst window is the byte at which it begins.
        """
        return {
            "bits_per_byte": self.bits_per_byte,
            "perplexity": self.perplexity,
            "nats": self.nats,
            "tokens": self.tokens,
            "bytes": self.bytes,
            "unknown_rate": self.unknown_rate,
            "standard_error": self.error,
            "worst_window": self.worst,
            "worst_window_at": self.worst_begin,
        }

    def at(self, places: Ints | slice) -> Self:
        """Some of the documents."""
        return type(self)(**{name: column[places] for name, column in self._columns()})

    def put(self, places: Ints, others: Self) -> None:
        """Write the figures of other documents to ``places``."""
        for (_, column), (_, other) in zip(self._columns(), others._columns(), strict=True):
            column[places] = other

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Documents one after the other."""
        return cls(**{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)})

    @classmethod
    def of_nothing(cls, documents: int) -> Self:
        """Documents without a token."""
        zeros, nan = np.zeros((5, documents), np.int64), np.full((2, documents), np.nan)
        tokens, n_bytes, unknown, begin, end = zeros
        return cls(
            nats=np.zeros(documents),
            tokens=tokens,
            bytes=n_bytes,
            unknown=unknown,
            error=nan[0],
            worst=nan[1],
            worst_begin=begin,
            worst_end=end,
        )

    def _columns(self) -> Iterator[tuple[str, NDArray[Any]]]:
        return ((each.name, getattr(self, each.name)) for each in fields(self))


def _quotient(nats_D: Floats, units_D: Ints) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient_D: Floats = nats_D / units_D
    return quotient_D
