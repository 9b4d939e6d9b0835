"""N-grams of one order parted by key, in memory or on disk.

Letters in shapes: N n-grams.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.files import unnamed
from nonplus.models.ngram.ngrams import Float32s
from nonplus.models.ngram.table.keys import Keys, homes_of

ENTRY = np.dtype([("key", "<u8"), ("prob", "<f4"), ("backoff", "<f4")])
_MAX_FILES = 256
_WORKING = 10  # the memory for a part while it is sorted and placed, in its own size


@final
class Sorter:
    """Takes n-grams in any order and gives them back part by part, the lowest keys
    first.

    A part takes about ``memory`` bytes. More than one lie in unnamed files in
    ``folder`` meanwhile.
    """

    def __init__(self, count: int, *, size: int, memory: int, folder: Path | None) -> None:
        self._size = size
        self._most = max(1, memory // (ENTRY.itemsize * _WORKING))
        self._parts = max(1, min(_MAX_FILES, -(-count // self._most)))
        self._waiting: list[NDArray[Any]] = []
        self._files: list[IO[bytes]] = []
        if self._parts > 1:
            self._files = [unnamed(folder) for _ in range(self._parts)]

    def add(self, keys_N: Keys, probs_N: Float32s, backoffs_N: Float32s) -> None:
        """Some n-grams."""
        entries_N = np.empty(len(keys_N), ENTRY)
        entries_N["key"], entries_N["prob"], entries_N["backoff"] = keys_N, probs_N, backoffs_N
        self._waiting.append(entries_N)
        if self._files and sum(map(len, self._waiting)) >= self._most:
            self._put_away()

    def parts(self) -> Iterator[NDArray[Any]]:
        """All n-grams as ``ENTRY``, the parts in the order of their keys."""
        if not self._files:
            yield self._taken()
            return
        self._put_away()
        for file in self._files:
            file.seek(0)
            yield np.frombuffer(file.read(), ENTRY)

    def _put_away(self) -> None:
        """Write what waits, each to the file of its keys."""
        entries_N = self._taken()
        part_N = homes_of(entries_N["key"], homes=self._parts, size=self._size)
        order_N = np.argsort(part_N)
        bounds = np.searchsorted(part_N[order_N], np.arange(self._parts + 1))
        for file, start, stop in zip(self._files, bounds[:-1], bounds[1:], strict=True):
            file.write(entries_N[order_N[start:stop]].tobytes())

    def _taken(self) -> NDArray[Any]:
        """What waits, which then waits no more."""
        waiting, self._waiting = self._waiting or [np.empty(0, ENTRY)], []
        return np.concatenate(waiting) if len(waiting) > 1 else waiting[0]

    def close(self) -> None:
        """Remove the files."""
        for file in self._files:
            with suppress(BadInput):  # what a full disk did not take
                file.close()
