"""The scores of a slice of documents, put together from their windows.

Letters in shapes: D documents of the slice, T tokens of all of them, W windows, S
scored tokens.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.measure.records import Bools, Floats, Integers, Ints, TokenizedTexts, Window
from nonplus.measure.scores import Readings, ScoredTexts, Scores


@final
@dataclass(frozen=True, slots=True)
class Piece:
    """A window of document ``document``, whose scores go to the places from ``place``
    on.
    """

    document: int
    window: Window
    place: int


@final
class Assembly:
    """Columns of scores, which windows fill in any order.

    Each window has its places from the moment that it is cut. So the columns of a
    document that is finished are given away as they lie, without a copy.
    """

    def __init__(self, texts: TokenizedTexts) -> None:
        """Of the windows of ``texts``."""
        n = len(texts.ids)
        narrow = np.int32 if n < 1 << 31 else np.int64
        self.texts = texts
        self.done = 0  # documents that were given away
        self._cut = np.zeros(len(texts), np.bool_)  # documents whose windows are all known
        self._waiting = np.zeros(len(texts), np.int64)  # windows that are not scored yet
        self._begin_D = np.zeros(len(texts) + 1, np.int64)  # the place at which each document begins
        self._nats = np.zeros(n)
        self._weight: Floats = np.broadcast_to(np.float64(1), n)  # takes no memory while all are 1
        self._index: Integers = np.zeros(n, narrow)
        self._seen: Integers = np.zeros(n, narrow)
        self._scored = np.zeros(n, np.bool_)
        self._readings: Readings | None = None

    @property
    def finished(self) -> bool:
        """Whether every document was given away."""
        return self.done == len(self.texts)

    def pieces(self, document: int, windows: Iterable[Window]) -> Iterator[Piece]:
        """The windows of a document with their places; documents come in order."""
        place = int(self._begin_D[document])
        for window in windows:
            self._waiting[document] += 1
            self._begin_D[document + 1] = place + window.stop - window.first
            yield Piece(document, window, place)
            place += window.stop - window.first
        self._begin_D[document + 1] = place
        self._cut[document] = True

    def put(self, pieces: Sequence[Piece], weights: Sequence[float], scores: Scores) -> None:
        """Take in the scores of some windows, one after the other, each with how often
        its tokens count.
        """
        document_W = np.array([piece.document for piece in pieces])
        place_W = np.array([piece.place for piece in pieces])
        windows = [piece.window for piece in pieces]
        cut = np.array([(w.start - w.prefixed, w.first, w.stop) for w in windows])
        before_W, first_W, stop_W = cut.T + self.texts.offsets[document_W]
        count_W = stop_W - first_W
        place_S = _ranges(place_W, count_W)
        index_S = _ranges(first_W, count_W)
        self._nats[place_S] = scores.nats
        self._index[place_S] = index_S
        self._seen[place_S] = index_S - np.repeat(before_W, count_W)
        if any(weight != 1 for weight in weights):
            self._weight = self._weight if self._weight.flags.writeable else self._weight.copy()
            self._weight[place_S] = np.repeat(weights, count_W)
        if scores.readings is not None:
            self._readings = self._readings or _room(scores.readings, len(self._nats))
            _fill(self._readings, place_S, scores.readings)
        self._scored[place_S] = True  # last: an interruption leaves no token half filled in
        np.subtract.at(self._waiting, document_W, 1)

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
        finished: Bools = self._cut & (self._waiting == 0)
        return finished

    def _part(self, start: int, stop: int) -> ScoredTexts:
        first = int(self.texts.offsets[start])
        begin, end = int(self._begin_D[start]), int(self._begin_D[stop])
        own: slice | Ints = slice(begin, end)
        if not self._scored[own].all():
            own = begin + np.flatnonzero(self._scored[own])
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


def _ranges(begin_W: Ints, count_W: Ints) -> Ints:
    """The whole numbers from each ``begin`` on, ``count`` of them, end to end; shape
    (S,).
    """
    return np.arange(int(count_W.sum())) + np.repeat(begin_W - np.cumsum(count_W) + count_W, count_W)


def _room(like: Readings, n: int) -> Readings:
    """Readings of ``n`` places that are still to be filled in."""
    return Readings(*(np.zeros((n, *column.shape[1:]), column.dtype) for column in like.columns))


def _fill(readings: Readings, place_S: Ints, others: Readings) -> None:
    for column, values in zip(readings.columns, others.columns, strict=True):
        column[place_S] = values
