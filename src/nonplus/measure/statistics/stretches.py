"""Sums over a few wide stretches of a document: what its own text says of its spread.

Neighbouring tokens resemble each other over long distances, so that stretches are as
wide as is possible: quarters. They are put together from narrow blocks, which can be
summed before it is known how long the document is.

Letters in shapes: S scored tokens.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, final

import numpy as np

from nonplus.measure.records import Ints

FEW = 2  # documents too few to say how documents differ: their own spread is all there is
_STRETCHES = 4  # of each
_MOST = 1 << 13  # blocks of a document; up to this many tokens its quarters are exact


class Stretch(NamedTuple):
    """Sums over a stretch of one document, both in units of 2**-40: nats and tokens."""

    nats: int
    tokens: int


@final
@dataclass(frozen=True, slots=True)
class Blocks:
    """Sums over blocks of ``width`` scored tokens, a power of two; the last may have
    fewer.
    """

    width: int
    sums: tuple[Stretch, ...]

    def then(self, later: "Blocks", *, scored: int) -> "Blocks":
        """With the blocks of the part that follows ours of ``scored`` tokens."""
        times = later.width // self.width
        own = [_sum(self.sums[start : start + times]) for start in range(0, len(self.sums), times)]
        if scored % later.width and later.sums:  # the last goes on
            return Blocks(later.width, (*own[:-1], _sum((own[-1], later.sums[0])), *later.sums[1:]))
        return Blocks(later.width, (*own, *later.sums))

    def quarters(self, scored: int) -> tuple[Stretch, ...]:
        """The stretches of a document of so many scored tokens."""
        bounds = quarters(0, scored) // self.width
        bounds[-1] = len(self.sums)
        stretches = (_sum(self.sums[a:b]) for a, b in pairwise(bounds.tolist()))
        return tuple(stretch for stretch in stretches if stretch.tokens)


def block_bounds(begin: int, end: int, *, before: int = 0) -> tuple[int, Ints]:
    """The width of blocks, and where those begin and end of the scored tokens
    ``[begin, end)``, which follow ``before`` others of their document.
    """
    width = 1 << (-(-(before + end - begin) // _MOST) - 1).bit_length()
    inner = np.arange(begin + width - before % width, end, width)
    return width, np.concatenate([[begin], inner, [end]])


def quarters(begin: int, end: int) -> Ints:
    """Where the stretches of a document begin and end that has the scored tokens
    ``[begin, end)``.
    """
    return np.asarray(begin + np.arange(_STRETCHES + 1) * (end - begin) // _STRETCHES)


def _sum(stretches: Iterable[Stretch]) -> Stretch:
    nats, tokens = zip(Stretch(0, 0), *stretches, strict=True)
    return Stretch(sum(nats), sum(tokens))
