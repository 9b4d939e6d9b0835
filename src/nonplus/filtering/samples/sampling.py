"""Which documents are looked at: those with the smallest keys, so that neither the
order of the files nor the number of workers matters.

A key is a hash of a document's id, or of its file's name and its place in it. The keys
of a corpus look like random numbers, so the smallest of them are a simple random
sample, without replacement: of documents, or of ids with all documents of each.

Letters in shapes: D documents.
"""

import hashlib
from collections.abc import Sequence
from operator import itemgetter
from typing import Generic, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Ints

Keys = NDArray[np.uint64]
T = TypeVar("T")

_ALL = 2**64
_STEP = np.uint64(0x9E3779B97F4A7C15)


def keys_of_places(file: str, places_D: Ints) -> Keys:
    """A key for each place in a file of that name.

    The steps are those of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
    """
    with np.errstate(over="ignore"):  # they count modulo 2**64
        key_D = np.uint64(_number(file)) + places_D.astype(np.uint64) * _STEP
        key_D = (key_D ^ (key_D >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key_D = (key_D ^ (key_D >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return key_D ^ (key_D >> np.uint64(31))


def keys_of_ids(ids: Sequence[str | None], otherwise_D: Keys) -> Keys:
    """A key for each id, and another one where there is none."""
    known = [int(key) if each is None else _number(each) for each, key in zip(ids, otherwise_D, strict=True)]
    return np.array(known, np.uint64)


def key_of_unit(file: str, unit: int) -> int:
    """A key for a unit of a file."""
    return int(keys_of_places(f"{file}\0units", np.array([unit]))[0])


def takes(file: str, unit: int, *, part: float) -> bool:
    """Whether a unit of a file is among the ``part`` of all units that is read."""
    return key_of_unit(file, unit) < part * _ALL


@final
class Smallest(Generic[T]):
    """The things with the smallest keys among those that were offered.

    Each has a ``name`` of its own, which decides between things of one key.
    """

    def __init__(self, most: int) -> None:
        """``most`` is how many are kept."""
        self._most = most
        self._limit = _ALL - 1
        self._kept: list[tuple[int, tuple[str, int], T]] = []

    def wanted(self, keys_D: Keys) -> Ints:
        """Which of these are small enough, as it looks by now."""
        return np.flatnonzero(keys_D <= np.uint64(self._limit))

    def add(self, key: int, name: tuple[str, int], thing: T) -> None:
        """Offer one."""
        self._kept.append((key, name, thing))
        if len(self._kept) >= 2 * self._most:
            self._trim()

    def all(self) -> list[tuple[int, T]]:
        """Those that are kept with their keys, in the order of these."""
        self._trim()
        return [(key, thing) for key, _, thing in self._kept]

    def _trim(self) -> None:
        self._kept.sort(key=itemgetter(0, 1))
        del self._kept[self._most :]
        if len(self._kept) == self._most:
            self._limit = self._kept[-1][0]


def _number(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest(), "little")
