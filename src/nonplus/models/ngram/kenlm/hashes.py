"""One hash table of a KenLM probing file: n-grams by a hash of their words.

The key of an n-gram is made from its last word to its first: of the key of those after
the first, and the first. A search begins at the slot that the key's remainder names and
goes up, around the end, to the key or to a gap, which has key 0. The C kernel
(``kenlm.c``) does the same.

Letters in shapes: T tokens, N keys, M slots.
"""

from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.native import kenlm as native
from nonplus.measure.records import Ints
from nonplus.models.ngram.kenlm.file import KenlmFile
from nonplus.models.ngram.ngrams import Float32s

Keys = NDArray[np.uint64]

_BEFORE, _NEW = np.uint64(8978948897894561157), np.uint64(17894857484156487943)  # KenLM's factors


@final
@dataclass(frozen=True, slots=True)
class Longest:
    """The longest n-grams found so far that end at each token: KenLM's numbers of the
    words, how many words are before each in its sentence, and of the n-grams the keys,
    lengths and stored probabilities.
    """

    words_T: Keys
    places_T: Ints
    keys_T: Keys
    lengths_T: NDArray[np.uint8]
    probs_T: Float32s


@final
@dataclass(frozen=True, slots=True)
class HashTable:
    """Entries of a key and some float32 values."""

    entries_M: NDArray[Any]

    @staticmethod
    def slots(file: KenlmFile, count: int) -> int:
        """How many slots a table of the file has for ``count`` entries."""
        # KenLM computes this in float32, and rounds down.
        return max(count + 1, int(np.float32(file.multiplier) * np.float32(count)))

    @classmethod
    def at(cls, file: KenlmFile, start: int, *, count: int, values: int) -> Self:
        """The table of ``count`` n-grams that begins at byte ``start``.

        Raises:
            BadModel: the file ends before.
        """
        entry = np.dtype([("key", "<u8"), ("values", "<f4", (values,))])
        return cls(file.part(start, cls.slots(file, count) * entry.itemsize).view(entry))

    def extend(self, k: int, longest: Longest, backoffs_T: Float32s) -> None:
        """Look for n-grams of ``k`` words before the last one, and put them into
        ``longest``; their back-off weights, if they have any, go to ``backoffs_T``.
        """
        loaded, weighted = native.functions(), self.entries_M["values"].shape[1] > 1
        if loaded is None:
            self._extend(k, longest, backoffs_T, weighted=weighted)
            return
        loaded.nonplus_kenlm_extend(
            self.entries_M.ctypes.data,
            self.entries_M.itemsize,
            len(self.entries_M),
            longest.words_T.ctypes.data,
            longest.places_T.ctypes.data,
            len(longest.words_T),
            k,
            longest.keys_T.ctypes.data,
            longest.lengths_T.ctypes.data,
            longest.probs_T.ctypes.data,
            backoffs_T.ctypes.data if weighted else None,
        )

    def _extend(self, k: int, longest: Longest, backoffs_T: Float32s, *, weighted: bool) -> None:
        at_N = np.flatnonzero((longest.lengths_T == k) & (longest.places_T >= k))
        keys_N = longest.keys_T[at_N] * _BEFORE ^ (longest.words_T[at_N - k] + np.uint64(1)) * _NEW
        slots_N = self._found(keys_N)
        hits = slots_N >= 0
        at_N, values = at_N[hits], self.entries_M["values"][slots_N[hits]]
        longest.keys_T[at_N], longest.lengths_T[at_N], longest.probs_T[at_N] = keys_N[hits], k + 1, values[:, 0]
        if weighted:
            backoffs_T[at_N] = values[:, 1]

    def _found(self, keys_N: Keys) -> Ints:
        """The slot of each key, -1 if it is not there."""
        slots_N = (keys_N % np.uint64(len(self.entries_M))).astype(np.int64)
        found_N = np.full(len(keys_N), -1)
        open_N = np.arange(len(keys_N))
        for _ in range(len(self.entries_M)):  # a table without a gap ends a search, too
            stored = self.entries_M["key"][slots_N[open_N]]
            hits = open_N[(stored == keys_N[open_N]) & (stored != 0)]
            found_N[hits] = slots_N[hits]
            open_N = open_N[(stored != keys_N[open_N]) & (stored != 0)]
            if not len(open_N):
                break
            slots_N[open_N] = (slots_N[open_N] + 1) % len(self.entries_M)
        return found_N
