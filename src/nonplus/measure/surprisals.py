"""The surprisal of each scored token of many texts, and the bytes that it covers: no
more than sums over stretches of a text need.

Letters in shapes: D texts, S scored tokens of all of them.
"""

from dataclasses import dataclass, replace
from typing import Self, final

import numpy as np

from nonplus.measure.records import Bools, Floats, Integers, Ints
from nonplus.measure.scores import ScoredTexts


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surprisals:
    """The scored tokens of D texts, each of which counts once.

    ``nats`` (S,) are at least 0, infinite for probability 0; a token covers the bytes
    ``[begins, ends)`` of its own text; text ``d`` has the tokens
    ``[offsets[d], offsets[d + 1])``; ``unknown`` (D,) counts those that stand for text
    without a token.
    """

    nats: Floats
    begins: Integers
    ends: Integers
    offsets: Ints
    unknown: Ints

    @classmethod
    def of(cls, texts: ScoredTexts) -> Self:
        """Those of texts that a model has scored."""
        unknown = np.searchsorted(texts.tokens.unknown, texts.tokens.offsets)
        return cls(
            nats=texts.nats,
            begins=texts.tokens.byte_starts[texts.index],
            ends=texts.tokens.byte_ends[texts.index],
            offsets=texts.offsets,
            unknown=np.diff(unknown),
        )

    def of_some(self) -> "tuple[Surprisals, Bools]":
        """Those of the texts that have a token, and which these are (D,)."""
        some_D = np.diff(self.offsets) > 0
        if some_D.all():
            return self, some_D
        begins = self.offsets[:-1][some_D]
        return replace(self, offsets=np.append(begins, self.offsets[-1]), unknown=self.unknown[some_D]), some_D
