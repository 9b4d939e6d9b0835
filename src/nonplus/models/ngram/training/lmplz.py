"""What ``lmplz`` counts differently: the last n-gram of each order.

At the end of its pass over the sorted n-grams (``AdjustCounts::Run`` in KenLM's
``adjust_counts.cc``) it enters the n-grams not yet written into its statistics by how
often they occur, and not by their adjusted counts. So one n-gram of each order below
the highest has the wrong count where the discounts are computed, though nowhere else.

Letters in shapes: P places in the text, k digits of each.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from nonplus.measure.records import Ints
from nonplus.models.ngram.ngrams import BEGIN
from nonplus.models.ngram.training.counting import EDGE, Stretch

_BEGIN = BEGIN + 1  # as a digit


class Miscount(NamedTuple):
    """An n-gram of this order: its adjusted count, and what lmplz takes for it."""

    order: int
    adjusted: int
    taken: int


def miscounts(text: Iterable[Stretch], *, order: int, digits: int) -> list[Miscount]:
    """The last n-gram of each order below ``order``, in the order of lmplz.

    It numbers words as they appear, and sorts n-grams by their last word, then by the
    one before it, and so on. Each stretch knows ``order`` digits before it.
    """
    place = np.full(digits, -1)
    place[: _BEGIN + 2] = np.arange(_BEGIN + 2)  # an edge, <unk>, <s>, </s>
    latest, rows = 0, np.empty((0, order), np.int64)
    for digit_T, first in text:
        new_T = digit_T[place[digit_T] < 0]
        new, at = np.unique(new_T, return_index=True)
        if len(new):
            place[new[np.argsort(at)]] = place.max() + 1 + np.arange(len(new))
            latest = int(new[np.argmax(at)])
            rows = rows[:0]
        at = first + np.flatnonzero(digit_T[first:] == latest)
        rows = np.concatenate([rows, digit_T[np.maximum(at[:, None] - np.arange(order), 0)]])
    return list(_chain(rows, place)) if latest else []


def _chain(row_Pk: Ints, place: Ints) -> Iterable[Miscount]:
    """Of the n-grams that end at these places, those with the last word before, and so
    on.
    """
    for k in range(1, row_Pk.shape[1]):
        if row_Pk[0, k - 1] == EDGE:
            return
        begun = row_Pk[0, k - 1] == _BEGIN
        yield Miscount(k, len(row_Pk) if begun else len(np.unique(row_Pk[:, k])), len(row_Pk))
        if begun:
            return
        last = place[row_Pk[:, k]].max()
        row_Pk = row_Pk[place[row_Pk[:, k]] == last]
