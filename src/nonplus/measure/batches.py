"""From windows to batches: the one place where targets are shifted, on integers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice
from typing import Self, final

import numpy as np

from nonplus.measure.records import Batch, Bools, Integers, Ints, TokenizedTexts, Windows, end_to_end, ranges

_LATEST = 64  # lines that a row may still go to
_SLACK = 0.92  # shortest row of a batch / longest; below it padding costs more than a batch more (docs/log.md)


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


def group(lengths: Sequence[int], *, budget: int) -> Iterator[list[int]]:
    """Indices of rows of about equal length, longest first, for one batch each.

    A batch has at most ``budget`` tokens, padding included; a row longer than that is a
    batch alone.
    """
    together: list[int] = []
    for i in _longest_first(lengths):
        if together:
            longest = lengths[together[0]]
            if (len(together) + 1) * longest > budget or lengths[i] < _SLACK * longest:
                yield together
                together = []
        together.append(i)
    if together:
        yield together


def pack(lengths: Sequence[int], *, width: int, budget: int) -> Iterator[list[list[int]]]:
    """Like :func:`group`, with several rows end to end on a line of ``width`` tokens.

    First fit, longest first, among the latest lines.
    """
    lines: list[list[int]] = []
    free: list[int] = []
    for length, alike in groupby(_longest_first(lengths), key=lengths.__getitem__):
        rest = list(alike)
        for k in range(max(0, len(free) - _LATEST), len(free)):  # in each as many as fit
            fits = free[k] // length
            lines[k] += rest[:fits]
            free[k] -= length * len(rest[:fits])
            rest = rest[fits:]
        each = max(1, width // length)
        for start in range(0, len(rest), each):
            lines.append(rest[start : start + each])
            free.append(max(width, length) - length * len(lines[-1]))
    widths = [sum(lengths[i] for i in line) for line in lines]
    for together in group(widths, budget=budget):
        yield [lines[k] for k in together]


def _longest_first(lengths: Sequence[int]) -> list[int]:
    order: list[int] = np.argsort(-np.asarray(lengths, np.int64), kind="stable").tolist()  # equal ones in order
    return order


def batch(lines: Sequence[Sequence[Row]]) -> Batch:
    """Lines of single rows as one rectangle, as in :func:`batch_of`."""
    places = iter(range(sum(map(len, lines))))
    return batch_of(Rows.one_by_one(list(chain.from_iterable(lines))), [list(islice(places, len(n))) for n in lines])


def batch_of(rows: Rows, lines: Sequence[Sequence[int]]) -> Batch:
    """Lines of rows as one rectangle; each row's positions begin at 0."""
    order_R = np.array(list(chain.from_iterable(lines)))
    line_R = np.repeat(np.arange(len(lines)), list(map(len, lines)))
    length_R, fed_R, scored_R = rows.lengths[order_R], rows.fed[order_R], rows.scored[order_R]
    begin_R = _begins(length_R)
    begin_B = begin_R[_begins(list(map(len, lines)))]
    width = int(np.diff(begin_B).max())
    place_R = line_R * width + begin_R[:-1] - begin_B[line_R]  # in the flat rectangle
    end_R = place_R + length_R
    input_BT = np.zeros((len(lines), width), np.int64)
    for place, token in enumerate(rows.prefix):
        input_BT.ravel()[place_R[rows.prefixed[order_R]] + place] = token
    input_BT.ravel()[ranges(end_R - fed_R, fed_R)] = rows.ids[ranges(rows.start[order_R], fed_R)]
    # positions of padding count on after a row's only text; after several they are 0,
    # since the padding may be longer than the context
    position_BT = np.tile(np.arange(width), (len(lines), 1))
    if len(order_R) > len(lines):
        position_BT[:] = 0
        position_BT.ravel()[ranges(place_R, length_R)] = ranges(0 * length_R, length_R)
    target_N = rows.ids[ranges(rows.first[order_R], scored_R)].astype(np.int64)
    return Batch(input_BT, position_BT, ranges(end_R - scored_R, scored_R), target_N)
