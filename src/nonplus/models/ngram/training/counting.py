"""Every n-gram of a text with its counts, of all orders from 2 on.

Digits are word ids plus 1; 0 is an edge of a sentence. A text is digits with an edge
before and after each sentence.

Letters in shapes: T digits of a text, R n-grams with repetitions, S sections, k words
of an n-gram, M distinct n-grams, C distinct contexts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.native import counting as native
from nonplus.kernels.native.counting import Digits, Level, Part
from nonplus.measure.records import Bools, Ints
from nonplus.models.ngram.ngrams import BEGIN, END

EDGE = 0
_BEGIN, _END = BEGIN + 1, END + 1  # as digits

Rows = NDArray[np.uint32]


class Stretch(NamedTuple):
    """A part of a text; the digits before ``first`` are the end of the one before."""

    digit_T: Digits
    first: int


def count(
    text: Iterable[Stretch], part: Part, *, order: int, digits: int, size_S: Ints, actual: bool = False
) -> list[Level]:
    """The n-grams of a part of those in the text.

    ``size_S`` says how many have each of the part's digits. The text comes in stretches
    that each know the last ``order`` digits before them. What ends with ``<s>`` is no
    n-gram. A context that begins a sentence extends each of its n-grams to the left
    once. After a suffix, orders up to its length + 1 have what the part adds to them.
    """
    # The context is one and the same, however often: memory for its words is enough.
    if part.high == part.low + 1 and (len(part.suffix) == order - 2 or part.low in (EDGE, _BEGIN)):
        return _count_context(text, part, order=order, digits=digits, actual=actual)
    if native.fits(order=order, digits=digits):
        start_S = np.array([0, size_S.sum()]) if part.suffix else np.concatenate([[0], np.cumsum(size_S)])
        key_R2, place_S = np.empty((start_S[-1], 2), np.uint64), start_S[:-1].copy()
        for digit_T, first in text:
            native.put_keys(digit_T, first, order=order, digits=digits, part=part, place_P=place_S, key_R2=key_R2)
        low = part.suffix[0] if part.suffix else part.low
        return native.count(key_R2, start_S, order=order, digits=digits, low=low, actual=actual)
    rows = np.concatenate([_rows(*stretch, part=part, order=order) for stretch in text])
    return _counted(rows, np.ones(len(rows), np.int64), actual=actual)


def digits_before(text: Iterable[Stretch], suffix: tuple[int, ...], *, digits: int) -> Ints:
    """How often each digit comes before the suffix at the end of a context."""
    total = np.zeros(digits, np.int64)
    for stretch in text:
        at = _places(*stretch, Part(suffix, EDGE, digits))
        total += np.bincount(stretch.digit_T[at - 1 - len(suffix)], minlength=digits)
    return total


def _count_context(text: Iterable[Stretch], part: Part, *, order: int, digits: int, actual: bool) -> list[Level]:
    """The n-grams of a part with one context only."""
    total = np.zeros(digits, np.int64)
    for stretch in text:
        total += np.bincount(stretch.digit_T[_places(*stretch, part)], minlength=digits)
    digit_R = np.flatnonzero(total).astype(np.uint32)
    times_R = total[digit_R].astype(np.uint32)
    context = [*part.suffix, part.low, *[EDGE] * order][: order - 1]
    if native.fits(order=order, digits=digits):
        return native.count(
            native.keys_after(context, digit_R, digits=digits), np.array([0, len(digit_R)]), times_R=times_R,
            order=order, digits=digits, low=context[0], actual=actual,
        )  # fmt: skip
    rows = np.column_stack([np.broadcast_to(np.array(context, np.uint32), (len(digit_R), order - 1)), digit_R])
    return _counted(rows, times_R.astype(np.int64), actual=actual)


def _places(digit_T: Digits, first: int, part: Part) -> Ints:
    """Where the n-grams of a part end in a text."""
    at = np.arange(max(first, 1), len(digit_T))
    for back, digit in enumerate(part.suffix, 1):
        at = at[digit_T[at - back] == digit]
    last = digit_T[at - 1 - len(part.suffix)]
    return np.asarray(at[(last >= part.low) & (last < part.high) & (last != _END) & (digit_T[at] != _BEGIN)])


def _rows(digit_T: Digits, first: int, *, part: Part, order: int) -> Rows:
    """The context of each n-gram from its last word back, then the word after it."""
    at = _places(digit_T, first, part)
    inside = np.ones(len(at), bool)
    columns = []
    for back in range(1, order):
        digit = np.where(inside, digit_T[np.maximum(at - back, 0)], EDGE)
        inside = digit != EDGE
        columns.append(digit)
    return np.column_stack([*columns, digit_T[at]]).astype(np.uint32)


@final
@dataclass(frozen=True, slots=True)
class _Groups:
    """Contexts of one length as rows with the words that follow: unique and sorted."""

    row_Mk: Rows
    extensions_M: Ints
    actual_M: Ints

    @property
    def shown_M(self) -> Bools:
        """Contexts that begin beyond an edge are only counted."""
        return np.asarray(self.row_Mk[:, -2] != EDGE)

    @property
    def ngram_M(self) -> Bools:
        """Whether it is an n-gram, and not only a context at the end of a sentence."""
        return np.asarray(self.shown_M & (self.row_Mk[:, -1] != EDGE))

    @property
    def begins_M(self) -> Bools:
        """Whether the row is the first of its context."""
        return _changes(self.row_Mk[:, :-1])

    @property
    def context_M(self) -> Ints:
        """The number of each row's context among those that are shown."""
        return np.cumsum(self.begins_M & self.shown_M) - 1


def _changes(row_Mk: Rows) -> Bools:
    return np.concatenate([[True], (row_Mk[1:] != row_Mk[:-1]).any(axis=1)])[: len(row_Mk)]


def _grouped(row_Mk: Rows, actual_M: Ints) -> tuple[_Groups, Ints]:
    """The distinct rows in order, and which of them each row is."""
    order_M = np.lexsort(row_Mk.T[::-1])
    sorted_Mk = row_Mk[order_M]
    begins_M = _changes(sorted_Mk)
    group_M = np.empty(len(row_Mk), np.int64)
    group_M[order_M] = np.cumsum(begins_M) - 1
    n = int(begins_M.sum())
    total = np.zeros(n, np.int64)
    np.add.at(total, group_M, actual_M)
    return _Groups(sorted_Mk[begins_M], np.bincount(group_M, minlength=n), total), group_M


def _counted(row_Rk: Rows, times_R: Ints, *, actual: bool) -> list[Level]:
    """The levels without the C kernel."""
    return list(_levels(row_Rk, times_R, actual=actual))[::-1]


def _levels(row_Rk: Rows, times_R: Ints, *, actual: bool) -> Iterator[Level]:
    """From the longest contexts to the shortest."""
    groups, _ = _grouped(row_Rk, times_R)
    counts_M = groups.actual_M
    while True:
        deeper = groups.row_Mk.shape[1] > 2
        if deeper:
            shorter = np.delete(groups.row_Mk, -2, axis=1)
            upper, group_M = _grouped(shorter, groups.actual_M)
            parents_M = (np.cumsum(upper.ngram_M) - 1)[group_M]
            uppers_M = upper.context_M[group_M]
        else:
            upper, parents_M, uppers_M = groups, groups.row_Mk[:, -1].astype(np.int64) - 1, np.array((), np.int64)
        kept_M, first_M = groups.ngram_M, groups.begins_M & groups.shown_M
        n = int(first_M.sum())
        yield Level(
            words_M=(groups.row_Mk[kept_M, -1] - 1).astype(np.int32),
            counts_M=counts_M[kept_M].astype(np.uint32),
            actual_M=groups.actual_M[kept_M if actual else slice(0)].astype(np.uint32),
            parents_M=parents_M[kept_M].astype(np.uint32),
            oldest_C=(groups.row_Mk[first_M, -2] - 1).astype(np.int32),
            sizes_C=np.bincount(groups.context_M[kept_M], minlength=n).astype(np.uint32),
            uppers_C=uppers_M[first_M if deeper else slice(0)].astype(np.uint32),
        )
        if not deeper:
            return
        begun_M = upper.row_Mk[:, -2] == _BEGIN
        groups, counts_M = upper, np.where(begun_M, upper.actual_M, upper.extensions_M)
