"""From windows to batches: the one place where targets are shifted, on integers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Self, final

import numpy as np

from nonplus.measure.packing import Lines
from nonplus.measure.records import Batch, Bools, Integers, Ints, TokenizedTexts, Windows, end_to_end
from nonplus.measure.runs import copy_runs, count_up, ranges


@dataclass(frozen=True, slots=True)
class Row:
    """One window as a model reads it: input (T,), and targets of its last positions."""

    input: Ints
    target: Ints

    @classmethod
    def of(cls, ids: Integers) -> Self:
        """Tokens that stand alone: all but the first are targets."""
        return cls(ids[:-1].astype(np.int64), ids[1:].astype(np.int64))

    @property
    def key(self) -> bytes:
        """The content that decides the scores: equal keys have equal scores."""
        return b"%d:" % len(self.target) + self.input.tobytes() + self.target[-1:].tobytes()


@final
@dataclass(frozen=True, slots=True)
class Rows:
    """Many windows as a model reads them: places in the tokens that they are cut from.

    Window ``w`` has as input the ``prefix``, if ``prefixed[w]``, and ``fed[w]`` tokens
    from ``start[w]`` on; its targets are the ``scored[w]`` tokens from ``first[w]`` on.
    """

    ids: Integers
    prefix: Sequence[int]
    prefixed: Bools
    start: Ints
    fed: Ints
    first: Ints
    scored: Ints

    @classmethod
    def of(cls, parts: Sequence[tuple[TokenizedTexts, Windows]], prefix: Sequence[int]) -> Self:
        """Windows of some texts; this is where targets are shifted."""
        begins = _begins([len(texts.ids) for texts, _ in parts])[:-1].tolist()
        begin_W = np.concatenate([at + t.offsets[w.document] for at, (t, w) in zip(begins, parts, strict=True)])
        start_W, first_W, stop_W, prefixed_W = (
            np.concatenate([getattr(windows, name) for _, windows in parts])
            for name in ("start", "first", "stop", "prefixed")
        )
        return cls(
            ids=end_to_end([texts.ids for texts, _ in parts]),
            prefix=prefix,
            prefixed=prefixed_W,
            start=begin_W + start_W,
            fed=stop_W - start_W - 1,
            first=begin_W + first_W,
            scored=stop_W - first_W,
        )

    @classmethod
    def one_by_one(cls, rows: Sequence[Row]) -> Self:
        """Windows that stand alone."""
        fed, scored = (np.array(list(map(len, each))) for each in ([r.input for r in rows], [r.target for r in rows]))
        start = _begins(fed + scored)[:-1]
        return cls(
            ids=np.concatenate([column for row in rows for column in (row.input, row.target)]),
            prefix=(),
            prefixed=np.zeros(len(rows), np.bool_),
            start=start,
            fed=fed,
            first=start + fed,
            scored=scored,
        )

    def __len__(self) -> int:
        """How many windows."""
        return len(self.start)

    def __getitem__(self, place: int) -> Row:
        """One window."""
        start, first = int(self.start[place]), int(self.first[place])
        before = self.prefix if self.prefixed[place] else ()
        fed = self.ids[start : start + int(self.fed[place])]
        target = self.ids[first : first + int(self.scored[place])].astype(np.int64)
        return Row(np.concatenate([np.asarray(before, np.int64), fed]), target)

    @property
    def lengths(self) -> Ints:
        """How many tokens each has as input, shape (W,)."""
        return self.fed + self.prefixed * len(self.prefix)


def _begins(counts: Ints | Sequence[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(counts)])


def batch(lines: Sequence[Sequence[Row]]) -> Batch:
    """Lines of single rows as one rectangle, as in :func:`batch_of`."""
    rows = Rows.one_by_one(list(chain.from_iterable(lines)))
    return batch_of(rows, Lines(np.arange(len(rows)), np.array(list(map(len, lines)))))


def batch_of(rows: Rows, lines: Lines) -> Batch:
    """Lines of rows as one rectangle; each row's positions begin at 0."""
    length_R, fed_R, scored_R = rows.lengths[lines.rows], rows.fed[lines.rows], rows.scored[lines.rows]
    begin_R = _begins(length_R)
    begin_B = begin_R[_begins(lines.counts)]
    line_R, width = lines.lines, int(np.diff(begin_B).max())
    place_R = line_R * width + begin_R[:-1] - begin_B[line_R]  # in the flat rectangle
    end_R = place_R + length_R
    input_BT = np.zeros((len(lines.counts), width), np.int64)
    for place, token in enumerate(rows.prefix):
        input_BT.ravel()[place_R[rows.prefixed[lines.rows]] + place] = token
    copy_runs(rows.ids, rows.start[lines.rows], input_BT.ravel(), end_R - fed_R, fed_R)
    # positions of padding count on after a row's only text; after several they are 0,
    # since the padding may be longer than the context
    if len(line_R) == len(lines.counts):
        position_BT = np.tile(np.arange(width), (len(line_R), 1))
    else:
        position_BT = np.zeros_like(input_BT)
        count_up(position_BT.ravel(), place_R, 0 * length_R, length_R)
    target_N = np.empty(int(scored_R.sum()), np.int64)
    copy_runs(rows.ids, rows.first[lines.rows], target_N, _begins(scored_R)[:-1], scored_R)
    return Batch(input_BT, position_BT, ranges(end_R - scored_R, scored_R), target_N)
