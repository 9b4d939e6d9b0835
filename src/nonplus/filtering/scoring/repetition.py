"""How much of a text repeats itself, which its perplexity does not say: an n-gram model
finds a sentence as surprising the hundredth time as the first.

Letters in shapes: D documents, N stretches of one.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Floats

STRETCH = 32  # bytes: about six words of English
_WORD = 8  # bytes that are hashed at once
_MOST = 1 << 20  # bytes of a text: of a longer one only its beginning is read
_MULTIPLIERS = tuple(map(np.uint64, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9)))
_SHIFT = np.uint64(29)


def repetition(texts: Sequence[str]) -> Floats:
    """The share of each text's stretches of 32 bytes that occur earlier in it, (D,).

    A stretch begins at every byte. The share is 0 where none is repeated, such as in a
    text of fewer bytes, and close to 1 for a line that is said again and again. Of a
    text of more than a mebibyte, the first mebibyte counts.
    """
    return np.fromiter(_shares(texts), np.float64, len(texts))


def _shares(texts: Sequence[str]) -> Iterator[float]:
    for text in texts:
        hashes_N = _hashes(text[:_MOST].encode()[:_MOST])
        hashes_N.sort()
        repeated = int(np.count_nonzero(hashes_N[1:] == hashes_N[:-1]))
        yield repeated / max(1, len(hashes_N))


def _hashes(data: bytes) -> NDArray[np.uint64]:
    """A hash of each stretch (N,), equal for equal stretches."""
    count = max(0, len(data) - STRETCH + 1)
    # each byte begins a word: the words overlap in memory
    words = np.ndarray((len(data) - _WORD + 1,), "<u8", buffer=data, strides=(1,)) if count else np.empty(0, "<u8")
    hashes_N = words[:count] * _MULTIPLIERS[0]
    for after in range(_WORD, STRETCH, _WORD):
        hashes_N ^= hashes_N >> _SHIFT
        hashes_N += words[after : after + count]
        hashes_N *= _MULTIPLIERS[1]
    return hashes_N
