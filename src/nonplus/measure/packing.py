"""Which rows go through a model together, and which of them share a line: lengths only.

Letters in shapes: R rows, L lines, P places.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Self, final

import numpy as np

from nonplus.measure.records import Bools, Ints
from nonplus.measure.runs import ranges

_LATEST = 64  # lines that a row may still go to
_SLACK = 0.92  # shortest row of a batch / longest; below it padding costs more than a batch more (docs/log.md)


@final
@dataclass(frozen=True, slots=True)
class Lines:
    """The rows of a batch, end to end on its lines: ``rows`` (R,), by index, one line
    after the other, and how many each line has, ``counts`` (L,).
    """

    rows: Ints
    counts: Ints

    @classmethod
    def of(cls, rows: Ints) -> Self:
        """A line for each row."""
        return cls(rows, np.ones(len(rows), np.int64))

    @property
    def lines(self) -> Ints:
        """The line of each row, shape (R,)."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def at(self, own_R: Bools) -> "Lines":
        """Some of the rows, without lines that have none of them."""
        count_L = np.bincount(self.lines[own_R])
        return Lines(self.rows[own_R], count_L[count_L > 0])


def group(length_R: Ints, *, budget: int) -> Iterator[Ints]:
    """Indices of rows of about equal length, longest first, for one batch each.

    A batch has at most ``budget`` tokens, padding included; a row longer than that is a
    batch alone.
    """
    order_R = _longest_first(length_R)
    falling_R = -length_R[order_R]
    begin = 0
    while begin < len(order_R):
        longest = -int(falling_R[begin])
        alike = int(np.searchsorted(falling_R, -_SLACK * longest, side="right"))
        stop = min(alike, begin + max(1, budget // longest))
        yield order_R[begin:stop]
        begin = stop


def pack(length_R: Ints, *, width: int, budget: int) -> Iterator[Lines]:
    """Like :func:`group`, with several rows end to end on a line of ``width`` tokens.

    First fit, longest first, among the latest lines.
    """
    order_R = _longest_first(length_R)
    line_R = _first_fit(length_R[order_R], width)
    by_line_R = order_R[np.argsort(line_R, kind="stable")]
    count_L = np.bincount(line_R)
    begin_L = np.cumsum(count_L) - count_L
    width_L = np.add.reduceat(length_R[by_line_R], begin_L) if len(begin_L) else begin_L
    for own in group(width_L, budget=budget):
        yield Lines(by_line_R[ranges(begin_L[own], count_L[own])], count_L[own])


def _first_fit(falling_R: Ints, width: int) -> Ints:
    """The line of each row; the rows come longest first, those of a length at once."""
    line_R = np.empty(len(falling_R), np.int64)
    n_lines, free_P = 0, np.empty(0, np.int64)  # room on the latest lines
    bounds = np.flatnonzero(np.diff(falling_R, prepend=0, append=0)).tolist()
    for begin, stop in pairwise(bounds):
        length = int(falling_R[begin])
        until_P = np.minimum(np.cumsum(free_P // length), stop - begin)
        taken_P = np.diff(until_P, prepend=0)
        rest = begin + int(taken_P.sum())
        line_R[begin:rest] = np.repeat(np.arange(n_lines - len(free_P), n_lines), taken_P)
        each = max(1, width // length)
        line_R[rest:stop] = n_lines + np.arange(stop - rest) // each
        new = -(-(stop - rest) // each)
        fresh = np.full(new, max(width, length) - length * each)
        fresh[-1:] += length * (new * each - (stop - rest))
        free_P = np.concatenate([free_P - length * taken_P, fresh])[-_LATEST:]
        n_lines += new
    return line_R


def _longest_first(length_R: Ints) -> Ints:
    return np.argsort(-length_R, kind="stable")  # equal ones in order
