"""Where n-grams lie in a table: each in the slot at which a search for it begins, or in
the next one that no smaller key has.

Letters in shapes: N n-grams, S slots, B bytes of each.
"""

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.native import ngrams
from nonplus.models.ngram.table.keys import Keys, homes_of


def placed(
    keys_N: Keys, values_N: Keys, *, free: int, homes: int, key_bytes: int, value_bytes: int
) -> NDArray[np.uint8] | None:
    """The slots (S, B) from ``free`` on, which is the first that no smaller key has, up
    to the last that one of these n-grams has.

    The values of an n-gram are the first bytes of a number. ``None`` if a key is there
    twice.
    """
    rows_SB = None
    if ngrams.available() and len(keys_N):
        last = int(homes_of(keys_N.max(keepdims=True), homes=homes, size=key_bytes)[0])
        sizes = {"homes": homes, "key_bytes": key_bytes, "value_bytes": value_bytes}
        room = max(0, last - free) + len(keys_N) + 1
        rows_SB = ngrams.inserted(keys_N, values_N, room=room, first=free, **sizes)
    if rows_SB is None:
        rows_SB = _sorted(keys_N, values_N, free, homes, key_bytes, value_bytes)
    return rows_SB


def _sorted(
    keys_N: Keys, values_N: Keys, free: int, homes: int, key_bytes: int, value_bytes: int
) -> NDArray[np.uint8] | None:
    keys_N = keys_N.copy()
    ascending = np.argsort(keys_N)
    keys_N, values_N = keys_N[ascending], values_N[ascending]
    if (keys_N[1:] == keys_N[:-1]).any():
        return None
    rising_N = np.arange(len(keys_N), dtype=np.int64)
    wanted_N = np.maximum(homes_of(keys_N, homes=homes, size=key_bytes).astype(np.int64), free)
    places_N = np.maximum.accumulate(wanted_N - rising_N) + rising_N - free
    rows_SB = np.zeros((places_N[-1] + 1 if len(places_N) else 0, key_bytes + value_bytes), np.uint8)
    rows_SB[places_N, :key_bytes] = _bytes(keys_N, key_bytes)
    rows_SB[places_N, key_bytes:] = _bytes(values_N, value_bytes)
    return rows_SB


def _bytes(numbers_N: Keys, size: int) -> NDArray[np.uint8]:
    """The first bytes of each number."""
    return numbers_N.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :size]
