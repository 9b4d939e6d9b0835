"""Windows of the scored tokens of a text: the worst of them, and what they say of the
error of its mean.

A window is 32 tokens, counted from the document's first; a rest that is shorter belongs
to the last one. The error is made from eight stretches of whole windows, as wide as
they can be, because neighbouring windows resemble each other. Sums are exact whole
numbers of 2**-40, and so are those of squares, so that a figure has the same bits in
whatever batch its document comes.

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
STRETCHES = 8  # of a document, which its error is made from


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
    its stretches or, if it has few windows, over its tokens (D,); NaN where there is
    none.
    """
    windows_D, tokens_D = np.diff(windows.offsets), np.diff(scored.offsets)
    error_D = np.full(len(mean_D), np.nan)
    long = np.flatnonzero((windows_D >= STRETCHES) & np.isfinite(mean_D))
    inner = windows_D[long, None] * np.arange(STRETCHES + 1) // STRETCHES
    bounds = np.append(windows.offsets[long, None] + inner, len(windows.units))
    within = np.arange(len(bounds) - 1) % (STRETCHES + 1) < STRETCHES  # the others lie between two documents
    nats_P, tokens_P = in_nats(run_sums(windows.units, bounds))[within], np.diff(windows.tokens[bounds])[within]
    error_D[long] = _ratio_errors(nats_P, tokens_P, np.full(len(long), STRETCHES), mean_D[long])
    short = np.flatnonzero((windows_D < STRETCHES) & np.isfinite(mean_D) & (tokens_D > 1))
    nats_P = scored.nats[ranges(scored.offsets[short], tokens_D[short])]
    error_D[short] = _ratio_errors(nats_P, np.ones(len(nats_P), np.int64), tokens_D[short], mean_D[short])
    return error_D


def _ratio_errors(nats_P: Floats, tokens_P: Ints, pieces: Ints, mean: Floats) -> Floats:
    """The standard errors of documents from pieces that are a sample of each, laid end
    to end.
    """
    runs = np.concatenate([[0], np.cumsum(pieces)])
    size = run_sums(tokens_P, runs) / pieces
    off = (nats_P - np.repeat(mean, pieces) * tokens_P) / np.repeat(size, pieces)
    return np.asarray(np.sqrt(in_nats(run_sums(units(bounded_product(off, off)), runs)) / (pieces * (pieces - 1.0))))
