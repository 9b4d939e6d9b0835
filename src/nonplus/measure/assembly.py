"""The scores of a slice of documents, put together from their windows.

Letters in shapes: D documents of the slice, T tokens of all of them, W windows, S
scored tokens.
"""

from collections.abc import Iterator
from typing import final

import numpy as np

from nonplus.measure.records import Bools, Floats, Integers, Ints, TokenizedTexts, Windows
from nonplus.measure.runs import copy_runs, count_up, ranges
from nonplus.measure.scores import Readings, ScoredTexts, Scores
from nonplus.measure.weights import once


@final
class Assembly:
    """Columns of scores, which windows fill in any order.

    Each window has its places from the beginning. So the columns of a document that is
    finished are given away as they lie, without a copy.
    """

    def __init__(self, texts: TokenizedTexts, windows: Windows, weights: Floats) -> None:
        """Of all windows of ``texts``, each with how often its tokens count."""
        count_W = windows.stop - windows.first
        end_W = np.cumsum(count_W)
        n = int(count_W.sum())
        narrow = np.int32 if len(texts.ids) < 1 << 31 else np.int64
        self.texts = texts
        self.windows = windows
        self.done = 0  # documents that were given away
        self._scored_W = np.zeros(len(windows), np.bool_)
        self._place_W, self._count_W = end_W - count_W, count_W
        # the place at which each document begins
        self._begin_D = np.append(0, end_W)[np.searchsorted(windows.document, np.arange(len(texts) + 1))]
        self._index: Integers = np.zeros(n, narrow)
        self._seen: Integers = np.zeros(n, narrow)
        self._nats = np.zeros(n)
        self._weight = once(n) if (weights == 1).all() else np.repeat(weights, count_W)
        self._readings: Readings | None = None
        first_W = texts.offsets[windows.document] + windows.first
        seen_W = windows.first - windows.start + windows.prefixed
        count_up(self._index, self._place_W, first_W, count_W)
        count_up(self._seen, self._place_W, seen_W, count_W)

    @property
    def finished(self) -> bool:
        """Whether every document was given away."""
        return self.done == len(self.texts)

    def put(self, places: Ints, scores: Scores, begins: Ints) -> None:
        """Take in the scores of some windows, those of each from its place in
        ``begins`` on.
        """
        runs = self._place_W[places], self._count_W[places]
        copy_runs(scores.nats, begins, self._nats, *runs)
        if scores.readings is not None:
            self._readings = self._readings or _room(scores.readings, len(self._nats))
            for column, values in zip(self._readings.columns, scores.readings.columns, strict=True):
                copy_runs(values, begins, column, *runs)
        self._scored_W[places] = True  # last: an interruption leaves no token half filled in

    def next_part(self) -> ScoredTexts | None:
        """The documents that are finished, from the first that was not given yet."""
        open_ = np.flatnonzero(~self._finished[self.done :])
        stop = self.done + int(open_[0]) if len(open_) else len(self.texts)
        return self._part(self.done, stop) if stop > self.done else None

    def begun(self) -> Iterator[ScoredTexts]:
        """The scored part of each document that was not given yet."""
        for place in range(self.done, len(self.texts)):
            part = self._part(place, place + 1)
            if len(part.nats):
                yield part

    @property
    def _finished(self) -> Bools:
        return ~np.isin(np.arange(len(self.texts)), self.windows.document[~self._scored_W])

    def _part(self, start: int, stop: int) -> ScoredTexts:
        first = int(self.texts.offsets[start])
        begin, end = int(self._begin_D[start]), int(self._begin_D[stop])
        own: slice | Ints = slice(begin, end)
        windows = slice(*np.searchsorted(self.windows.document, [start, stop]).tolist())
        scored = self._scored_W[windows]
        if not scored.all():
            own = ranges(self._place_W[windows][scored], self._count_W[windows][scored])
        index = self._index[own]
        return ScoredTexts(
            tokens=self.texts.part(start, stop),
            index=index - first if first else index,
            nats=self._nats[own],
            weight=self._weight[own],
            seen=self._seen[own],
            partial=~self._finished[start:stop],
            readings=None if self._readings is None else self._readings.at(own),
        )


def _room(like: Readings, n: int) -> Readings:
    """Readings of ``n`` places that are still to be filled in."""
    return Readings(*(np.zeros((n, *column.shape[1:]), column.dtype) for column in like.columns))
