"""An order of a table whose file is still written: looked up and marked in bounded
memory.

The file is mapped, and the pages of it that were touched count as memory of the
process. So a large order is gone through from one end to the other, a part at a time,
and the pages of a part are given back.

Letters in shapes: M n-grams.
"""

import mmap
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, Any, final

import numpy as np
from numpy.typing import NDArray

from nonplus.models.ngram.ngrams import WordIds
from nonplus.models.ngram.table.keys import Nodes, homes_of, scattered
from nonplus.models.ngram.table.orders import Order
from nonplus.models.ngram.table.values import mark_continued


@final
class Mapping:
    """A part of a file that was written, as bytes to be read and changed."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        file.flush()
        self._map = mmap.mmap(file.fileno(), start + size)
        self.content = np.frombuffer(self._map, np.uint8)[start:]

    def give_back(self) -> None:
        """Let go of the pages: the system keeps them as long as it has room."""
        if sys.platform != "win32":
            self._map.madvise(mmap.MADV_DONTNEED)


@final
@dataclass(frozen=True, slots=True)
class WrittenOrder:
    """An order, and the part of the file that has it.

    ``room`` is how many bytes of it may be in memory at once.
    """

    order: Order
    mapping: Mapping

    def found(self, nodes_M: Nodes, words_M: WordIds, *, room: int) -> Nodes:
        """The node of each word after a node, 0 where the table does not have it."""
        order = self.order
        if self._fits(room):
            return order.found(nodes_M, words_M)
        keys_M = scattered(nodes_M, words_M, vocabulary=order.vocabulary, size=order.key_bytes)
        rising_M = np.argsort(keys_M)
        homes_M = homes_of(keys_M[rising_M], homes=order.homes, size=order.key_bytes)
        result_M = np.empty_like(nodes_M)
        for part in self._parts(homes_M, room):
            at = rising_M[part]
            result_M[at] = order.found(nodes_M[at], words_M[at])
        return result_M

    def mark(self, slots_M: Nodes, *, room: int) -> None:
        """Note that the n-grams in these slots are continued by others."""
        if self._fits(room):
            mark_continued(self.order, slots_M)
            return
        rising_M = np.sort(slots_M)
        for part in self._parts(rising_M, room):
            mark_continued(self.order, rising_M[part])

    def _fits(self, room: int) -> bool:
        return self.order.content.nbytes <= room

    def _parts(self, slots_M: NDArray[Any], room: int) -> Iterator[slice]:
        """Rising slots, some near each other at once."""
        near = max(1, room // self.order.stride)
        ends = np.searchsorted(slots_M, np.arange(0, self.order.slots + near, near, dtype=slots_M.dtype)).tolist()
        for start, stop in pairwise(ends):
            if start < stop:
                yield slice(start, stop)
                self.mapping.give_back()
