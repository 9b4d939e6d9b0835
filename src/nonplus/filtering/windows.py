"""Windows of the scored tokens of a text: the worst of them, and what they say of the
error of its mean.

A window is 32 tokens, counted from the document's first; a rest that is shorter belongs
to the last one. Sums are exact whole numbers of 2**-40, and so are those of squares, so
that a figure has the same bits in whatever batch its document comes.

Letters in shapes: D documents, S scored tokens of all of them, W windows, P pieces.
"""

import math
from dataclasses import dataclass
from typing import Self, final

import numpy as np

from nonplus.kernels.native.windows import Figures
from nonplus.measure.records import Floats, Ints
from nonplus.measure.runs import ranges
from nonplus.measure.statistics.fixed_point import Units, bounded_product, run_sums, units
from nonplus.measure.statistics.surprisal_sums import in_nats, surprisal_sums
from nonplus.measure.surprisals import Surprisals

TOKENS = 32
_ENOUGH = 8  # windows from which an error is made: fewer say too little


@final
@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """The windows of D documents, end to end.

    Window ``w`` has the tokens ``[tokens[w], tokens[w + 1])``, ``tokens`` (W + 1,);
    document ``d`` has the windows ``[offsets[d], offsets[d + 1])``, ``offsets``
    (D + 1,). ``units`` (W,) are their surprisals in units of 2**-40, without those of
    the ``zeros`` (W,) tokens of probability 0; ``bytes`` (W,) what they cover.
    """

    offsets: Ints
    tokens: Ints
    units: Units
    zeros: Ints
    bytes: Ints

    @classmethod
    def of(cls, scored: Surprisals) -> Self:
        """The windows of some texts."""
        tokens_D = np.diff(scored.offsets)
        windows_D = np.maximum(tokens_D // TOKENS, tokens_D > 0)
        within_W = ranges(np.zeros(len(tokens_D), np.int64), windows_D)
        begin_W = np.repeat(scored.offsets[:-1], windows_D) + TOKENS * within_W
        bounds_W1 = np.append(begin_W, scored.offsets[-1])
        before_S1 = np.concatenate([[0], np.cumsum(scored.ends - scored.begins, dtype=np.int64)])
        return cls(
            np.concatenate([[0], np.cumsum(windows_D)]),
            bounds_W1,
            *surprisal_sums(scored.nats, bounds_W1),
            np.diff(before_S1[bounds_W1]),
        )

    @property
    def nats(self) -> Floats:
        """The surprisal of each document (D,); infinite with probability 0."""
        return np.where(run_sums(self.zeros, self.offsets) > 0, np.inf, in_nats(run_sums(self.units, self.offsets)))

    def worst(self) -> tuple[Ints, Floats]:
        """The window of each document that has most bits per byte, the first of
        several, and how many those are (D,); NaN where no window covers a byte.
        """
        nats_W = np.where(self.zeros > 0, np.inf, in_nats(self.units))
        with np.errstate(divide="ignore", invalid="ignore"):
            bits_W = np.where(self.bytes > 0, nats_W / self.bytes / math.log(2), -np.inf)
        most_D = np.full(len(self.offsets) - 1, -np.inf)
        begun = np.flatnonzero(np.diff(self.offsets))
        if len(begun):
            most_D[begun] = np.maximum.reduceat(bits_W, self.offsets[begun])
        worst = np.flatnonzero(bits_W == np.repeat(most_D, np.diff(self.offsets)))
        first_D = np.append(worst, 0)[np.searchsorted(worst, self.offsets[:-1])]
        return first_D, np.where(most_D < 0, np.nan, most_D)


def plain_figures(scored: Surprisals) -> Figures:
    """:func:`nonplus.kernels.native.windows.figures` in NumPy, for numbers of any
    size.
    """
    windows = Windows.of(scored)
    first_D, worst_D = windows.worst()
    has_D = ~np.isnan(worst_D)
    begin_D, end_D = np.zeros((2, len(worst_D)), np.int64)
    begin_D[has_D] = scored.begins[windows.tokens[first_D[has_D]]]
    end_D[has_D] = scored.ends[windows.tokens[first_D[has_D] + 1] - 1]
    nats_D = windows.nats
    with np.errstate(invalid="ignore"):
        error_D = _standard_errors(scored, windows, nats_D / np.diff(scored.offsets))
    return Figures(nats_D, run_sums(windows.bytes, windows.offsets), error_D, worst_D, begin_D, end_D)


def _standard_errors(scored: Surprisals, windows: Windows, mean_D: Floats) -> Floats:
    """That of ``mean_D``, the nats per token of each document: of a ratio of sums over
    its windows or, if they are few, over its tokens (D,); NaN where there is none.
    """
    many_D = np.diff(windows.offsets) >= _ENOUGH
    error_D = np.full(len(mean_D), np.nan)
    own = np.flatnonzero(many_D & np.isfinite(mean_D))
    error_D[own] = _ratio_errors(in_nats(windows.units), np.diff(windows.tokens), windows.offsets, mean_D, own)
    own = np.flatnonzero(~many_D & np.isfinite(mean_D) & (np.diff(scored.offsets) > 1))
    error_D[own] = _ratio_errors(scored.nats, np.ones(len(scored.nats), np.int64), scored.offsets, mean_D, own)
    return error_D


def _ratio_errors(nats_P: Floats, tokens_P: Ints, offsets: Ints, mean_D: Floats, own: Ints) -> Floats:
    """The standard errors for the documents ``own``, from pieces that are a sample of
    each.
    """
    pieces = np.diff(offsets)[own]
    at = ranges(offsets[own], pieces)
    runs = np.concatenate([[0], np.cumsum(pieces)])
    off = nats_P[at] - np.repeat(mean_D[own], pieces) * tokens_P[at]
    squares = in_nats(run_sums(units(bounded_product(off, off)), runs))
    return np.asarray(np.sqrt(squares * (pieces / (pieces - 1))) / run_sums(tokens_P[at], runs))
