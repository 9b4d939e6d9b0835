"""N-grams of word ids counted, in C (``counting.c``).

Letters in shapes: T digits of a text, R n-grams with repetitions, P places, S sections,
M distinct n-grams of one order, C distinct contexts of them.
"""

import ctypes
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Ints
from nonplus.native import library

Digits = NDArray[np.uint32]
WordIds = NDArray[np.int32]
Packed = NDArray[np.uint64]  # (R, 2), the lower half of each key first

KEY_BITS = 128


class Part(NamedTuple):
    """N-grams whose context ends with ``suffix``, from its last digit back, and before
    that with a digit from ``low`` up to ``high``.
    """

    suffix: tuple[int, ...]
    low: int
    high: int


@final
@dataclass(frozen=True, slots=True)
class Level:
    """N-grams of one order, those with the same context side by side.

    Of each n-gram: ``words_M`` its last word; ``counts_M`` its adjusted count;
    ``actual_M`` how often it occurs, or nothing (0,) if that was not asked for;
    ``parents_M`` where in the level of the order below it stands without its oldest
    word, for bigrams the last word itself. Of each context: ``oldest_C`` its oldest
    word; ``sizes_C`` how many n-grams begin with it; ``uppers_C`` where it stands
    without its oldest word, nothing (0,) in the level of bigrams. Contexts are in order
    of their words from the last one to the oldest, and n-grams of one context in order
    of their last words.
    """

    words_M: WordIds
    counts_M: Digits
    actual_M: Digits
    parents_M: Digits
    oldest_C: WordIds
    sizes_C: Digits
    uppers_C: Digits


_COLUMNS = ("words", "counts", "actual", "parents", "oldest", "sizes", "uppers")


class _Columns(ctypes.Structure):
    """``struct columns``."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in _COLUMNS),
        ("entries", ctypes.c_int64),
        ("contexts", ctypes.c_int64),
    )


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its functions for counting; ``None`` without it."""
    loaded = library()
    if loaded is None:
        return None
    pointer, count, small, digit = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32, ctypes.c_uint32
    loaded.nonplus_ngram_keys.argtypes = [
        pointer, count, count, small, small, pointer, small, digit, digit, pointer, pointer,
    ]  # fmt: skip
    loaded.nonplus_ngram_keys.restype = None
    loaded.nonplus_ngram_count.argtypes = [pointer, pointer, pointer, count, digit, small, small, count, pointer]
    loaded.nonplus_ngram_count.restype = small
    loaded.nonplus_ngram_gather.argtypes = [pointer, count, small, pointer, pointer, pointer]
    loaded.nonplus_ngram_gather.restype = None
    return loaded


def fits(*, order: int, digits: int) -> bool:
    """Whether n-grams of that order over so many digits can be counted here."""
    return functions() is not None and (order - 1) * _bits(digits) <= KEY_BITS


def put_keys(
    digit_T: Digits, first: int, *, order: int, digits: int, part: Part, place_P: Ints, key_R2: Packed
) -> None:
    """Put the key of each n-gram of a text that is in the part to its place.

    Without a suffix there is a place for each of its digits, and else one for all; it
    rises by one with each key. The digits before ``first`` were seen before.
    """
    loaded = functions()
    assert loaded is not None, "the C kernel is not available: check fits() first"
    suffix = np.array(part.suffix, np.uint32)
    loaded.nonplus_ngram_keys(
        digit_T.ctypes.data, first, len(digit_T), order, _bits(digits), suffix.ctypes.data, len(suffix),
        part.low, part.high, place_P.ctypes.data, key_R2.ctypes.data,
    )  # fmt: skip


def keys_after(context: Sequence[int], digit_R: Digits, *, digits: int) -> Packed:
    """The key of each of these digits after a context, from its last digit back."""
    bits, key = _bits(digits), 0
    for digit in context[1:]:
        key = key << bits | digit
    key <<= bits
    key_R2 = np.empty((len(digit_R), 2), np.uint64)
    key_R2[:, 0] = digit_R | np.uint64(key & (1 << 64) - 1)
    key_R2[:, 1] = key >> 64
    return key_R2


def count(
    key_R2: Packed, start_S: Ints, *, times_R: Digits | None = None, order: int, digits: int, low: int, actual: bool
) -> list[Level]:
    """The levels of the orders from 2 on; ``key_R2`` is overwritten.

    With ``times_R`` the keys of a section are sorted and distinct, and occur so often.

    Raises:
        MemoryError: there is not enough of it.
    """
    loaded = functions()
    assert loaded is not None, "the C kernel is not available: check fits() first"
    most = len(key_R2)  # memory that is not written to is not taken
    room = [[np.empty(most, np.uint32) for _ in _COLUMNS] for _ in range(order)]
    columns = (_Columns * order)()
    for column, arrays in zip(columns, room, strict=True):
        for name, array in zip(_COLUMNS, arrays, strict=True):
            setattr(column, name, array.ctypes.data if actual or name != "actual" else None)
    if loaded.nonplus_ngram_count(
        key_R2.ctypes.data, None if times_R is None else times_R.ctypes.data, start_S.ctypes.data,
        len(start_S) - 1, low, order, _bits(digits), digits, ctypes.addressof(columns),
    ):  # fmt: skip
        raise MemoryError("no room to count n-grams")
    return [_level(columns[depth], room[depth], depth=depth, actual=actual) for depth in range(1, order)]


def gather(word_M: WordIds, place_V: Ints, value_W: NDArray[np.float32], *, without: int) -> NDArray[np.float32]:
    """Of values that are sorted by word, the next one of its word for each n-gram.

    Those of the word ``v`` begin at ``place_V[v]``, which is overwritten; n-grams that
    end with the word ``without`` have none, and get 0.
    """
    loaded = functions()
    assert loaded is not None, "the C kernel is not available: check functions() first"
    value_M = np.empty(len(word_M), np.float32)
    loaded.nonplus_ngram_gather(
        word_M.ctypes.data, len(word_M), without, place_V.ctypes.data, value_W.ctypes.data, value_M.ctypes.data
    )
    return value_M


def _level(column: _Columns, arrays: list[Digits], *, depth: int, actual: bool) -> Level:
    words, counts, occurring, parents, oldest, sizes, uppers = arrays
    m, c = column.entries, column.contexts
    words_M = words[:m].view(np.int32)
    return Level(
        words_M=words_M,
        counts_M=counts[:m],
        actual_M=occurring[: m if actual else 0],
        parents_M=words_M.view(np.uint32) if depth == 1 else parents[:m],
        oldest_C=oldest[:c].view(np.int32),
        sizes_C=sizes[:c],
        uppers_C=uppers[: 0 if depth == 1 else c],
    )


def _bits(digits: int) -> int:
    return max(1, (digits - 1).bit_length())
