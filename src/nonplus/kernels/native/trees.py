"""The tree of an n-gram model, walked along its levels in C (``trees.c``).

Letters in shapes: A, L and M n-grams of three levels, each below the one before, k
words of an n-gram.
"""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus import native

Int64s = NDArray[np.int64]

_MAX_ORDER = 32
_POINTER, _COUNT = ctypes.c_void_p, ctypes.c_int64
_ARGUMENTS = {
    "ids": [_POINTER, _COUNT, _COUNT, _COUNT, _POINTER],
    "below": [*[_POINTER] * 6, _COUNT, _POINTER, _COUNT, _COUNT, *[_POINTER] * 3],
}


def available(order: int = 1) -> bool:
    """Whether the kernel is there, for trees of so many levels."""
    return order <= _MAX_ORDER and native.library() is not None


def ids(keys: Sequence[Int64s], vocabulary: int) -> NDArray[np.int32]:
    """The words (M, k) of all n-grams on the last of k levels, whose keys rise."""
    kept = [np.ascontiguousarray(level, np.int64) for level in keys]
    ids_Mk = np.empty((len(kept[-1]), len(kept)), np.int32)
    pointers = (_POINTER * len(kept))(*(level.ctypes.data for level in kept))
    _function("ids")(ctypes.addressof(pointers), len(kept), vocabulary, len(ids_Mk), ids_Mk.ctypes.data)
    return ids_Mk


def below(
    above_L: Int64s,
    firsts_A: Int64s,
    followers_A: Int64s,
    suffixes_L: Int64s,
    known_L: NDArray[np.bool_],
    fanouts_L: Int64s,
    differences_M: NDArray[Any],
    *,
    vocabulary: int,
) -> tuple[Int64s, Int64s, NDArray[np.bool_], bool, bool]:
    """A level from its ranks: keys, the places of its n-grams without their oldest
    words, and which of these are known; whether words rise below each history, and
    whether all are in the vocabulary.

    The sum of ``fanouts_L`` must be M; ``differences_M`` may hold anything.
    """
    count = len(differences_M)
    keys_M, places_M, there_M = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.bool_)
    kept = [
        *(np.ascontiguousarray(each, np.int64) for each in (above_L, firsts_A, followers_A, suffixes_L)),
        *(np.ascontiguousarray(known_L), np.ascontiguousarray(fanouts_L, np.int64)),
    ]
    differences_M = np.ascontiguousarray(differences_M)
    faults = _function("below")(
        *(each.ctypes.data for each in kept),
        *(len(fanouts_L), differences_M.ctypes.data, differences_M.itemsize, vocabulary),
        *(keys_M.ctypes.data, places_M.ctypes.data, there_M.ctypes.data),
    )
    return keys_M, places_M, there_M, not faults & 1, not faults & 2


def _function(name: str) -> Any:
    function = getattr(native.library(), f"nonplus_trees_{name}")
    function.argtypes, function.restype = _ARGUMENTS[name], _COUNT if name == "below" else None
    return function
