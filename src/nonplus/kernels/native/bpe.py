"""Byte pair encoding of words, in C (``bpe.c``).

Letters in shapes: W words, T their tokens, M rules of joining.
"""

import ctypes
import functools
from typing import final

import numpy as np

from nonplus.kernels.native.cutting import WORDS, Ids, cut
from nonplus.measure.records import Ints
from nonplus.native import library

LETTER, DIGIT, SIGN, WHITESPACE, _, OTHER = range(6)  # kinds of characters; see bpe.c
KNOWN = 0x3000  # characters that have one

_RULE = np.dtype([("pair", np.uint64), ("rank", np.int32), ("made", np.int32)])


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its functions for joining; ``None`` without it."""
    loaded = library()
    if loaded is not None:
        pointer, count, mask = ctypes.c_void_p, ctypes.c_int64, ctypes.c_uint64
        loaded.nonplus_bpe_rules.argtypes = [pointer, pointer, pointer, count, pointer, mask]
        loaded.nonplus_bpe_rules.restype = None
        loaded.nonplus_bpe_cut.argtypes = [pointer, mask, pointer, pointer, ctypes.c_int, *WORDS]
        loaded.nonplus_bpe_cut.restype = count
    return loaded


@final
class NativeJoining:
    """The rules by which the bytes of a word are joined to tokens."""

    def __init__(self, of_byte: Ids, rules_M3: Ids, *, kinds: bytes, space: bool) -> None:
        """``of_byte`` is the token of each byte (256,); rules are two tokens and what
        they become (M, 3), the first rule first; ``kinds`` says what each of the
        ``KNOWN`` characters is. With ``space`` one stands before each word. The caller
        checks that ``functions()`` is there.
        """
        loaded = functions()
        assert loaded is not None, "the C kernel is not available: check functions() first"
        assert len(kinds) == KNOWN
        self._library, self._kinds, self._space = loaded, kinds, space
        self._of_byte = np.ascontiguousarray(of_byte, np.int32)
        self._rules = np.empty(2 << len(rules_M3).bit_length(), _RULE)
        columns = np.ascontiguousarray(rules_M3.T, np.int32)
        given = (*(column.ctypes.data for column in columns), len(rules_M3))
        loaded.nonplus_bpe_rules(*given, self._rules.ctypes.data, len(self._rules) - 1)

    def cut(self, text: bytes, stop_W: Ints) -> tuple[Ids, Ints, Ints]:
        """The tokens of words that lie end to end, how many bytes of its word follow
        each (T,), and how many are of each word (W,), ``LEFT`` for one of more than
        65,536 bytes, or with a character of another kind.
        """
        rules = (self._rules.ctypes.data, len(self._rules) - 1, self._of_byte.ctypes.data, self._kinds, self._space)
        return cut(self._library.nonplus_bpe_cut, rules, text, stop_W, room=len(text) + len(stop_W))
