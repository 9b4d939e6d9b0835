"""The pieces of words under a unigram model, in C (``unigram.c``).

Letters in shapes: W words, T their pieces, V pieces of the model.
"""

import ctypes
import functools
from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.native.cutting import WORDS, Ids, cut
from nonplus.measure.records import Ints
from nonplus.native import library

UNKNOWN = -1  # a piece of characters of which none is in a piece of the model

_EDGE = np.dtype([("key", np.uint32), ("node", np.int32), ("piece", np.int32), ("score", np.float32)])
_MOST = 1 << 24  # bytes of all pieces
_MARK = 3  # bytes of the sign that stands for a blank


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its functions for pieces; ``None`` without it."""
    loaded = library()
    if loaded is not None:
        pointer, count, mask = ctypes.c_void_p, ctypes.c_int64, ctypes.c_uint64
        loaded.nonplus_unigram_trie.argtypes = [pointer, pointer, pointer, count, pointer, mask]
        loaded.nonplus_unigram_trie.restype = count
        loaded.nonplus_unigram_cut.argtypes = [pointer, mask, ctypes.c_float, ctypes.c_int, ctypes.c_int, *WORDS]
        loaded.nonplus_unigram_cut.restype = count
    return loaded


@final
class NativeUnigram:
    """The pieces of a unigram model, by which words of printable ASCII are cut."""

    def __init__(
        self, pieces: Sequence[bytes], scores_V: NDArray[np.float32], *, unknown: float, allowed: bool, mark: bool
    ) -> None:
        """A piece that is empty is none; all have less than 16 MB. ``unknown`` is the
        score of a character that is no piece; unless that is ``allowed``, words with
        one are left to others. With ``mark`` the sign for a blank stands before each
        word. The caller checks that ``functions()`` is there.
        """
        loaded = functions()
        assert loaded is not None, "the C kernel is not available: check functions() first"
        assert sum(map(len, pieces)) < _MOST
        self._library, self._settings = loaded, (unknown, allowed, _MARK * mark)
        text, stop_V = b"".join(pieces), np.cumsum(np.array(list(map(len, pieces)), np.int64))
        scores_V = np.ascontiguousarray(scores_V, np.float32)
        edges = len(text)
        for _ in range(2):  # as many slots as there may be edges, then as suit those that there are
            self._edges = np.empty(2 << edges.bit_length(), _EDGE)
            given = (text, stop_V.ctypes.data, scores_V.ctypes.data, len(pieces))
            edges = loaded.nonplus_unigram_trie(*given, self._edges.ctypes.data, len(self._edges) - 1)

    def cut(self, text: bytes, stop_W: Ints) -> tuple[Ids, Ints, Ints]:
        """The pieces of words that lie end to end, how many bytes of its word follow
        each (T,), and how many are of each word (W,), ``LEFT`` for one of more than 255
        bytes, or with others than those of printable ASCII.
        """
        rules = (self._edges.ctypes.data, len(self._edges) - 1, *self._settings)
        return cut(self._library.nonplus_unigram_cut, rules, text, stop_W, room=len(text) + _MARK * len(stop_W))
