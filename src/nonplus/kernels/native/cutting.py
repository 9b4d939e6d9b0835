"""Words that lie end to end are cut into tokens in C, by whatever rules.

Letters in shapes: W words, T their tokens.
"""

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Ints

Ids = NDArray[np.int32]

LEFT = -1  # the count of a word that is left to others

_POINTER = ctypes.c_void_p
# What a function takes after its rules: a text, where its words end and how many they
# are; and what it fills.
WORDS = (_POINTER, _POINTER, ctypes.c_int64, _POINTER, _POINTER, _POINTER)


def cut(
    function: Callable[..., int], rules: Sequence[Any], text: bytes, stop_W: Ints, *, room: int
) -> tuple[Ids, Ints, Ints]:
    """The tokens of the words, of which there is ``room`` for so many, how many bytes
    of its word follow each (T,), and how many are of each word (W,), ``LEFT`` for one
    that the function does not know how to cut.

    Raises:
        MemoryError: there is none.
    """
    stop_W = np.ascontiguousarray(stop_W, np.int64)
    ids_T, rest_T, count_W = np.empty(room, np.int32), np.empty(room, np.int64), np.empty(len(stop_W), np.int64)
    filled = (ids_T.ctypes.data, rest_T.ctypes.data, count_W.ctypes.data)
    found = function(*rules, text, stop_W.ctypes.data, len(stop_W), *filled)
    if found < 0:
        raise MemoryError("no room for the tokens of a word")
    return ids_T[:found], rest_T[:found], count_W
