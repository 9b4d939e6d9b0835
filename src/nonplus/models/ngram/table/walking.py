"""A table read back: from the slot of an n-gram to its words.

Letters in shapes: M n-grams, k words of each.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadModel
from nonplus.models.ngram.ngrams import Block, Float32s, WordIds
from nonplus.models.ngram.table.file import Contents
from nonplus.models.ngram.table.keys import gathered

_SLOTS = 1 << 20  # at once


def blocks(table: Contents, k: int) -> Iterator[Block]:
    """The n-grams of an order as they lie in the table, without those that are only
    beginnings of others.

    Raises:
        BadModel: a slot leads to no n-gram of the order below.
    """
    if k == 1:
        ids_V1 = np.arange(len(table.words_V2), dtype=np.int32)[:, None]
        yield Block(ids_V1, table.words_V2[:, 0].copy(), _zeros_plain(table.words_V2[:, 1]))
        return
    order = table.orders[k - 2]
    for start in range(0, order.slots, _SLOTS):
        slots = np.arange(start, min(start + _SLOTS, order.slots))
        slots = slots[order.keys(slots) > 0]
        probs_M, backoffs_M = order.values(slots)
        ngrams = ~np.isnan(probs_M)
        ids_Mk = _words(table, k, slots[ngrams])
        yield Block(ids_Mk, probs_M[ngrams], _zeros_plain(backoffs_M[ngrams]))


def _words(table: Contents, k: int, slots_M: NDArray[np.int64]) -> WordIds:
    ids_Mk = np.empty((len(slots_M), k), np.int32)
    for length in range(k, 1, -1):
        order = table.orders[length - 2]
        nodes_M, words_M = gathered(order.keys(slots_M), vocabulary=order.vocabulary, size=order.key_bytes)
        ids_Mk[:, length - 1] = words_M
        below = table.orders[length - 3].slots if length > 2 else order.vocabulary
        if len(nodes_M) and not (nodes_M.min() > 0 and nodes_M.max() <= below):
            raise BadModel(f"the table of n-grams is damaged at order {length}; convert the model again")
        slots_M = nodes_M.astype(np.int64) - 1
    ids_Mk[:, 0] = slots_M
    return ids_Mk


def _zeros_plain(backoffs_M: Float32s) -> Float32s:
    """-0 becomes 0."""
    with np.errstate(invalid="ignore"):  # a damaged file may hold anything
        return np.where(backoffs_M == 0, np.float32(0), backoffs_M)
