"""From windows to batches: the one place where targets are shifted, on integers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nonplus.measure.records import Batch, Ints, Tokens, Window

_SLACK = 0.92  # shortest row of a batch / longest; below it padding costs more than a batch more (docs/log.md)


@dataclass(frozen=True, slots=True)
class Row:
    """One window as a model reads it: input (T,), and targets of its last positions."""

    input: Ints
    target: Ints

    @property
    def key(self) -> bytes:
        """The content that decides the scores: equal keys have equal scores."""
        return b"%d:" % len(self.target) + self.input.tobytes() + self.target[-1:].tobytes()


def row(tokens: Tokens, window: Window, prefix: Sequence[int]) -> Row:
    """The input and the targets of a window."""
    before = prefix if window.prefixed else ()
    fed = np.concatenate([np.asarray(before, np.int64), tokens.ids[window.start : window.stop]])
    return Row(fed[:-1], fed[1:][-(window.stop - window.first) :])


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

    First fit, longest first.
    """
    lines: list[list[int]] = []
    free: list[int] = []
    for i in _longest_first(lengths):
        place = next((k for k, room in enumerate(free[-64:], max(0, len(free) - 64)) if room >= lengths[i]), None)
        if place is None:
            lines.append([])
            free.append(max(width, lengths[i]))
            place = len(lines) - 1
        lines[place].append(i)
        free[place] -= lengths[i]
    widths = [sum(lengths[i] for i in line) for line in lines]
    for together in group(widths, budget=budget):
        yield [lines[k] for k in together]


def _longest_first(lengths: Sequence[int]) -> list[int]:
    return sorted(range(len(lengths)), key=lambda i: -lengths[i])  # stable: equal ones in order


def batch(lines: Sequence[Sequence[Row]]) -> Batch:
    """Lines of rows as one rectangle; each row's positions begin at 0."""
    width = max(sum(len(r.input) for r in line) for line in lines)
    input_BT = np.zeros((len(lines), width), np.int64)
    shared = any(len(line) > 1 for line in lines)
    # positions of padding count on after a row's only text; after several they are 0,
    # since the padding may be longer than the context
    padding = np.zeros(width, np.int64) if shared else np.arange(width)
    position_BT = np.tile(padding, (len(lines), 1))
    at: list[Ints] = []
    for b, line in enumerate(lines):
        start = 0
        for r in line:
            stop = start + len(r.input)
            input_BT[b, start:stop] = r.input
            position_BT[b, start:stop] = np.arange(len(r.input))
            at.append(np.arange(stop - len(r.target), stop) + b * width)
            start = stop
    targets = [r.target for line in lines for r in line]
    return Batch(input_BT, position_BT, np.concatenate(at), np.concatenate(targets))
