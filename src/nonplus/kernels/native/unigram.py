"""The pieces of words under a unigram model, in C (``unigram.c``).

Letters in shapes: W words, T their pieces, V pieces of the model.
"""

import ctypes
import functools
from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Ints
from nonplus.native import library

Ids = NDArray[np.int32]

LEFT = -1  # the count of a word that is left to others

_EDGE = np.dtype([("key", np.uint64), ("node", np.int64)])
_NODE = np.dtype([("piece", np.int32), ("score", np.float32)])
_MARK = 3  # bytes of the sign that stands for a blank


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its functions for pieces; ``None`` without it."""
    loaded = library()
    if loaded is not None:
        pointer, count, mask = ctypes.c_void_p, ctypes.c_int64, ctypes.c_uint64
        loaded.nonplus_unigram_trie.argtypes = [pointer, pointer, pointer, count, pointer, mask, pointer]
        loaded.nonplus_unigram_trie.restype = count
        given = (pointer, mask, pointer, ctypes.c_float, ctypes.c_int, pointer, pointer, count)
        loaded.nonplus_unigram_cut.argtypes = [*given, pointer, pointer, pointer]
        loaded.nonplus_unigram_cut.restype = count
    return loaded


@final
class NativeUnigram:
    """The pieces of a unigram model, by which words of printable ASCII are cut."""

    def __init__(self, pieces: Sequence[bytes], scores_V: NDArray[np.float32], *, unknown: float, mark: bool) -> None:
        """A piece that is empty is none. ``unknown`` is the score of a character that
        is no piece. With ``mark`` the sign for a blank stands before each word. The
        caller checks that ``functions()`` is there.
        """
        loaded = functions()
        assert loaded is not None, "the C kernel is not available: check functions() first"
        self._library, self._unknown, self._mark = loaded, unknown, _MARK * mark
        text, stop_V = b"".join(pieces), np.cumsum(np.array(list(map(len, pieces)), np.int64))
        scores_V = np.ascontiguousarray(scores_V, np.float32)
        self._edges = np.empty(2 << len(text).bit_length(), _EDGE)
        nodes = np.empty(len(text) + 1, _NODE)
        used = loaded.nonplus_unigram_trie(
            *(text, stop_V.ctypes.data, scores_V.ctypes.data, len(pieces)),
            *(self._edges.ctypes.data, len(self._edges) - 1, nodes.ctypes.data),
        )
        self._nodes = nodes[:used].copy()

    def cut(self, text: bytes, stop_W: Ints) -> tuple[Ids, Ints, Ints]:
        """The pieces of words that lie end to end, how many bytes of its word follow
        each (T,), and how many are of each word (W,), ``LEFT`` for one of more than 255
        bytes, with others than those of printable ASCII, or with an unknown one.
        """
        room = len(text) + _MARK * len(stop_W)
        piece_T, rest_T, count_W = np.empty(room, np.int32), np.empty(room, np.int64), np.empty(len(stop_W), np.int64)
        stop_W = np.ascontiguousarray(stop_W, np.int64)
        found = self._library.nonplus_unigram_cut(
            *(self._edges.ctypes.data, len(self._edges) - 1, self._nodes.ctypes.data, self._unknown, self._mark),
            *(text, stop_W.ctypes.data, len(stop_W)),
            *(piece_T.ctypes.data, rest_T.ctypes.data, count_W.ctypes.data),
        )
        return piece_T[:found], rest_T[:found], count_W
