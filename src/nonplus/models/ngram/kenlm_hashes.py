"""One hash table of a KenLM probing file: n-grams by a hash of their words.

A search begins at the slot that the key's remainder names and goes up, around the end,
to the key or to a gap, which has key 0. The C kernel (``kenlm.c``) does the same.

Letters in shapes: N keys, M slots.
"""

from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.native import kenlm as native
from nonplus.measure.records import Ints
from nonplus.models.ngram.kenlm_file import KenlmFile

Keys = NDArray[np.uint64]

_BEFORE, _NEW = np.uint64(8978948897894561157), np.uint64(17894857484156487943)  # KenLM's factors


def joined(keys_N: Keys, words_N: Keys) -> Keys:
    """The keys of n-grams: of those without the first word, and of that word."""
    keys: Keys = keys_N * _BEFORE ^ (words_N + np.uint64(1)) * _NEW
    return keys


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

    def find(self, keys_N: Keys) -> tuple[Ints, NDArray[np.float32]]:
        """Which keys are there, as their places, and their values, a row for each."""
        loaded = native.functions()
        slots_N = self._found(keys_N) if loaded is None else native.find(loaded, self.entries_M, keys_N)
        places = np.flatnonzero(slots_N >= 0)
        return places, self.entries_M["values"][slots_N[places]]

    def _found(self, keys_N: Keys) -> Ints:
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
