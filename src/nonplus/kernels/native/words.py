"""Words of texts as numbers, in C (``words.c``).

Letters in shapes: N bytes, S parts of a text, W words in the table, T words
of a text or their pieces, P pieces of V words that are kept.
"""

import ctypes
import functools
import os
import weakref
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Ints
from nonplus.native import library

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int32]

ABSENT = -1  # the number of a word that is not in the table
ANY = (1 << 63) - 1  # as many bytes as a word has


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its functions for words; ``None`` without it."""
    loaded = library()
    if loaded is None:
        return None
    pointer, count, pointers = ctypes.c_void_p, ctypes.c_int64, [ctypes.c_void_p] * 3
    types = {
        "new": ([ctypes.c_uint64], pointer),
        "free": ([pointer], None),
        "count": ([pointer], count),
        "bytes": ([pointer], count),
        "read": ([pointer, count, pointer, pointer], None),
        "extend": ([pointer, pointer, pointer, count], count),
        "numbers": ([pointer, pointer, pointer, count, pointer], None),
        "intern": ([pointer, pointer, pointer, count, pointer], count),
        "find": ([pointer, *pointers, count, *pointers], count),
        "learn": ([pointer, *pointers, count, count, *pointers], count),
        "learn_led": ([pointer, *pointers, count, count, *pointers], count),
        "count_pieces": ([pointer, pointer, count, pointer, pointer], count),
        "pieces": ([pointer, count, *pointers, pointer, pointer, pointer], None),
    }
    for name, (arguments, result) in types.items():
        function = getattr(loaded, f"nonplus_words_{name}")
        function.argtypes, function.restype = arguments, result
    return loaded


@final
class NativeWords:
    """A table of byte strings, which are numbered from 0 on.

    Searches may run in several threads at once, while nothing is added.
    """

    def __init__(self) -> None:
        """An empty one. The caller checks that ``functions()`` is there."""
        loaded = functions()
        assert loaded is not None, "the C kernel is not available: check functions() first"
        self._library = loaded
        # With a seed of its own, no text can be made that fills one part of the table.
        self._table = loaded.nonplus_words_new(int.from_bytes(os.urandom(8)))
        if self._table is None:
            raise MemoryError
        weakref.finalize(self, loaded.nonplus_words_free, self._table)

    def __len__(self) -> int:
        return int(self._library.nonplus_words_count(self._table))

    @property
    def size(self) -> int:
        """The bytes of all strings."""
        return int(self._library.nonplus_words_bytes(self._table))

    def joined(self, first: int = 0) -> tuple[bytes, Ints]:
        """The strings from number ``first`` on, end to end, and where each ends."""
        stop_W = np.empty(len(self) - first, np.int64)
        text_N = np.empty(self.size, np.uint8)
        self._library.nonplus_words_read(self._table, first, text_N.ctypes.data, stop_W.ctypes.data)
        return text_N[: int(stop_W[-1:].sum())].tobytes(), stop_W

    def read(self, first: int = 0) -> list[bytes]:
        """The strings from number ``first`` on."""
        text, stop_W = self.joined(first)
        stops = stop_W.tolist()
        return [text[start:stop] for start, stop in zip([0, *stops], stops, strict=False)]

    def extend(self, words: list[bytes]) -> None:
        """Give each of ``words``, whatever is in it, the next number.

        One that is there already keeps the first of its numbers.
        """
        stop_W = _stops(words)
        if not self._library.nonplus_words_extend(self._table, b"".join(words), stop_W.ctypes.data, len(words)):
            raise MemoryError

    def numbers(self, words: list[bytes]) -> Numbers:
        """The number of each string, ``ABSENT`` if it is not there, shape (W,)."""
        stop_W, number_W = _stops(words), np.empty(len(words), np.int32)
        given = (b"".join(words), stop_W.ctypes.data, len(words), number_W.ctypes.data)
        self._library.nonplus_words_numbers(self._table, *given)
        return number_W

    def intern(self, words: list[bytes]) -> Numbers:
        """The same, and a string that is not there gets the next number.

        Raises:
            MemoryError: there is no room for more.
        """
        stop_W, number_W = _stops(words), np.empty(len(words), np.int32)
        given = (b"".join(words), stop_W.ctypes.data, len(words), number_W.ctypes.data)
        if not self._library.nonplus_words_intern(self._table, *given):
            raise MemoryError(f"no room for more than {len(self):,} words")
        return number_W

    def find(self, data_N: Bytes, begin_S: Ints, stop_S: Ints) -> tuple[Numbers, Ints, Ints]:
        """The words of parts of a text: their numbers (T,), the byte at which each
        ends (T,), and how many are in each part (S,).

        Parts rise and do not overlap. A string that is not in the table is ``ABSENT``.
        """
        return self._split("find", data_N, begin_S, stop_S)

    def learn(self, data_N: Bytes, begin_S: Ints, stop_S: Ints, *, most: int = ANY) -> tuple[Numbers, Ints, Ints]:
        """The same, and a string that is not in the table gets the next number.

        A word of more than ``most`` bytes, at least 4, is cut between characters into
        such as have no more.

        Raises:
            MemoryError: there is no room for more words.
        """
        return self._split("learn", data_N, begin_S, stop_S, most)

    def learn_led(self, data_N: Bytes, begin_S: Ints, stop_S: Ints, *, most: int = ANY) -> tuple[Numbers, Ints, Ints]:
        """The same for words that have the blanks before them, of parts in UTF-8.

        They tile a part: one begins at each space (U+0020) that follows no whitespace.

        Raises:
            MemoryError: there is no room for more words.
        """
        return self._split("learn_led", data_N, begin_S, stop_S, most)

    def _split(
        self, function: str, data_N: Bytes, begin_S: Ints, stop_S: Ints, *most: int
    ) -> tuple[Numbers, Ints, Ints]:
        room = len(data_N) // 2 + len(begin_S) + 1
        number_T, end_T, count_S = np.empty(room, np.int32), np.empty(room, np.int64), np.empty(len(begin_S), np.int64)
        data_N, begin_S, stop_S = map(np.ascontiguousarray, (data_N, begin_S, stop_S))
        given = [array.ctypes.data for array in (data_N, begin_S, stop_S)]
        taken = [array.ctypes.data for array in (number_T, end_T, count_S)]
        found = getattr(self._library, f"nonplus_words_{function}")(self._table, *given, len(begin_S), *most, *taken)
        if found < 0:
            raise MemoryError(f"no room for more than {len(self):,} words")
        return number_T[:found], end_T[:found], count_S


def pieces_of(
    number_W: Numbers, end_W: Ints, words_S: Ints, first_V: Ints, piece_P: Numbers, before_end_P: Ints
) -> tuple[Numbers, Ints, Ints]:
    """The pieces of words (T,), the byte at which each ends (T,), and how many are in
    each part (S,), which has the next ``words_S`` words.

    Word ``number`` has the pieces ``[first_V[number], first_V[number + 1])`` of
    ``piece_P``, each of which ends ``before_end_P`` bytes before the word does. The
    caller checks that ``functions()`` is there.
    """
    loaded = functions()
    assert loaded is not None, "the C kernel is not available: check functions() first"
    arrays = tuple(map(np.ascontiguousarray, (number_W, words_S, first_V, end_W, piece_P, before_end_P)))
    number, words, first, *others = (array.ctypes.data for array in arrays)
    count_S = np.empty(len(words_S), np.int64)
    n = loaded.nonplus_words_count_pieces(number, words, len(words_S), first, count_S.ctypes.data)
    id_T, stop_T = np.empty(n, np.int32), np.empty(n, np.int64)
    loaded.nonplus_words_pieces(number, len(number_W), first, *others, id_T.ctypes.data, stop_T.ctypes.data)
    return id_T, stop_T, count_S


def _stops(words: list[bytes]) -> Ints:
    return np.cumsum(np.array([len(word) for word in words], np.int64))
