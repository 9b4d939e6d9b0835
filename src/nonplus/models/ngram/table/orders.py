"""The n-grams of one order of a table, as slots in memory: look-up and values.

A slot is a key of ``key_bytes``, then the values. Plain values are two float32, the
base-10 logarithms of probability and back-off weight; quantised ones are two codes of
``bits`` side by side. The highest order has no back-off weights. A slot of key 0 is a
gap. A probability of NaN (its code is 0) marks a slot that is no n-gram but the
beginning of one, which the model has without its history. A back-off weight of -0 (its
code is 0) marks an n-gram that no other one continues and whose weight is 1: what
follows it is scored as if it were not there.

Letters in shapes: N n-grams, C codes.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.native import ngrams
from nonplus.models.ngram.ngrams import Float32s, WordIds
from nonplus.models.ngram.table.keys import Keys, Nodes, homes_of, scattered

PADDING = 8  # bytes after the last slot, so that it can be read 8 bytes at a time
NOWHERE = np.uint32(0x80000000)  # the bits of -0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order above the first.

    If its values are quantised, ``codes`` gives what each code of a probability stands
    for, (C,), then each of a back-off weight, and ``errors`` how far at most a value
    was from that.
    """

    content: NDArray[np.uint8]
    slots: int
    homes: int
    vocabulary: int
    key_bytes: int
    value_bytes: int
    bits: int
    has_backoffs: bool
    codes: tuple[Float32s, ...]
    errors: tuple[float, ...]

    @property
    def stride(self) -> int:
        """Bytes from a slot to the next."""
        return self.key_bytes + self.value_bytes

    def field(self, dtype: str, offset: int) -> NDArray[Any]:
        """The same bytes of every slot as a number."""
        return np.ndarray((self.slots,), dtype, self.content, offset, (self.stride,))

    def keys(self, slots_N: Any) -> Keys:
        """The keys in slots; 0 in a gap."""
        keys: Keys = self.field("<u8", 0)[slots_N] & np.uint64((1 << 8 * self.key_bytes) - 1)
        return keys

    def found(self, nodes_N: Nodes, words_N: WordIds) -> Nodes:
        """The node of each word after a node, 0 where the table does not have it."""
        return ngrams.found(self, nodes_N, words_N) if ngrams.available() else self.searched(nodes_N, words_N)

    def searched(self, nodes_N: Nodes, words_N: WordIds) -> Nodes:
        """The same in NumPy."""
        keys_N = scattered(nodes_N, words_N, vocabulary=self.vocabulary, size=self.key_bytes)
        slots_N = homes_of(keys_N, homes=self.homes, size=self.key_bytes)
        result_N = np.zeros(len(keys_N), np.uint32)
        open_N = np.arange(len(keys_N))
        one = np.uint64(1)
        while len(open_N):
            wanted, slots = keys_N[open_N], slots_N[open_N]
            stored = self.keys(slots)
            hit = stored == wanted
            result_N[open_N[hit]] = slots[hit] + one
            on = (stored - one < wanted - one) & (slots + one < self.slots)  # a gap becomes the largest number
            open_N = open_N[on]
            slots_N[open_N] += one
        return result_N

    def values(self, slots_N: NDArray[Any]) -> tuple[Float32s, Float32s]:
        """The stored logarithms of probabilities and of back-off weights."""
        if not self.bits:
            probs_N = self.field("<f4", self.key_bytes)[slots_N]
            if not self.has_backoffs:
                return probs_N, np.zeros(len(slots_N), np.float32)
            return probs_N, self.field("<f4", self.key_bytes + 4)[slots_N]
        both_N = self.field("<u8", self.key_bytes)[slots_N]
        mask = np.uint64((1 << self.bits) - 1)
        probs_N = self.codes[0][both_N & mask]
        if not self.has_backoffs:
            return probs_N, np.zeros(len(slots_N), np.float32)
        return probs_N, self.codes[1][both_N >> np.uint64(self.bits) & mask]


def leads_nowhere(backoffs_N: Float32s) -> NDArray[np.bool_]:
    """Where a stored back-off weight is -0."""
    nowhere: NDArray[np.bool_] = backoffs_N.view(np.uint32) == NOWHERE
    return nowhere


def value_bytes(bits: int, *, has_backoffs: bool) -> int:
    """Bytes of the values in a slot."""
    return -(-(1 + has_backoffs) * (bits or 32) // 8)
