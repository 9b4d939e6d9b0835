"""What the slots of an order hold beside keys, and how it changes once an n-gram turns
out to be continued.

Letters in shapes: M and N n-grams, V words, C codes.
"""

from collections.abc import Callable, Iterator
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nonplus.models.ngram.ngrams import Block, Float32s
from nonplus.models.ngram.quantizing import bins
from nonplus.models.ngram.table.keys import Nodes
from nonplus.models.ngram.table.orders import Order, leads_nowhere, value_bytes

# What the first codes of probabilities and of back-off weights stand for, and which
# values get code 0. Back-off weights get code 1 from `mark_continued` only.
_RESERVED = ((np.nan,), (-0.0, 0.0))
_CODE_0 = (np.isnan, leads_nowhere)


@final
class Encoding:
    """How the values of an order are stored: as they are, or as codes of ``bits``.

    ``codes`` are what they stand for, those of probabilities, then those of back-off
    weights, and ``errors`` how far at most a value is from that.
    """

    def __init__(self, blocks: Callable[[], Iterator[Block]], bits: int, *, has_backoffs: bool) -> None:
        def probs() -> Iterator[Float32s]:
            return (block.log10_probs_M[~np.isnan(block.log10_probs_M)] for block in blocks())

        def backoffs() -> Iterator[Float32s]:
            return (block.log10_backoffs_M[block.log10_backoffs_M != 0] for block in blocks())

        columns = (probs, backoffs)[: 1 + has_backoffs] if bits else ()
        self._bins = [bins(column, bits, reserved=len(_RESERVED[i])) for i, column in enumerate(columns)]
        self._bits = bits
        self.has_backoffs = has_backoffs
        self.value_bytes = value_bytes(bits, has_backoffs=has_backoffs)
        self.errors = tuple(float(each.error) for each in self._bins)
        self.codes = tuple(
            _padded([*reserved, *each.values_B], bits) for reserved, each in zip(_RESERVED, self._bins, strict=False)
        )

    def values(self, entries_N: NDArray[Any]) -> NDArray[np.uint64]:
        """What each slot holds, as the first bytes of a number."""
        if not self._bits:
            return entries_N.view("<u8")[1::2]  # both float32 as they are
        columns = (entries_N["prob"].copy(), entries_N["backoff"].copy())[: 1 + self.has_backoffs]
        together_N = np.zeros(len(entries_N), "<u8")
        for i, (each, values_N) in enumerate(zip(self._bins, columns, strict=True)):
            plain_N = ~_CODE_0[i](values_N)
            codes = each.codes(values_N[plain_N]).astype("<u8") + np.uint64(len(_RESERVED[i]))
            together_N[plain_N] |= codes << np.uint64(i * self._bits)
        return together_N


def _padded(values: list[float], bits: int) -> Float32s:
    return np.array(values + [0.0] * ((1 << bits) - len(values)), "<f4")


def mark_continued(order: Order, slots_M: Nodes) -> None:
    """Note that the n-grams in these slots are continued by others."""
    if not order.bits:
        _mark(order.field("<f4", order.key_bytes + 4), slots_M)
        return
    codes_M = order.field("<u8", order.key_bytes)[slots_M] >> np.uint64(order.bits)
    first_M = slots_M[codes_M & np.uint64((1 << order.bits) - 1) == 0]
    order.field("u1", order.key_bytes + order.bits // 8)[first_M] |= 1 << order.bits % 8  # code 0 becomes 1


def mark_words_continued(words_V2: Float32s, slots_M: Nodes) -> None:
    """The same for words."""
    _mark(words_V2[:, 1], slots_M)


def _mark(backoffs: NDArray[Any], slots_M: Nodes) -> None:
    backoffs[slots_M[leads_nowhere(backoffs[slots_M])]] = 0.0
