"""N-grams that are listed twice, and the lines on which n-grams are.

Letters in shapes: M n-grams, k words of each.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import final

import numpy as np

from nonplus.models.ngram.ngrams import WordIds

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def repeats(ids_Mk: WordIds) -> Iterator[tuple[int, int]]:
    """Pairs of rows that are equal, the earlier one first."""
    hashes_M = np.zeros(len(ids_Mk), np.uint64)
    for column_M in ids_Mk.T:
        hashes_M = (hashes_M ^ column_M.astype(np.uint64)) * _FACTOR
        hashes_M ^= hashes_M >> _SHIFT
    sorted_M = np.sort(hashes_M)
    shared = sorted_M[1:][sorted_M[1:] == sorted_M[:-1]]
    if not len(shared):
        return
    seen: dict[tuple[int, ...], int] = {}
    for row in np.flatnonzero(np.isin(hashes_M, shared)).tolist():
        earlier = seen.setdefault(tuple(ids_Mk[row].tolist()), row)
        if earlier != row:
            yield earlier, row


@final
class Places:
    """The line of each n-gram, as runs of n-grams on consecutive lines."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._lines: list[int] = []

    def add(self, row: int, line: int) -> None:
        """That n-gram ``row`` is on that line, and the next ones on the next lines."""
        if not self._rows or self.line_of(row) != line:
            self._rows.append(row)
            self._lines.append(line)

    def line_of(self, row: int) -> int:
        """The line of an n-gram."""
        run = bisect_right(self._rows, row) - 1
        return self._lines[run] + row - self._rows[run]
