"""The key of an n-gram in a table: exact, scattered and turned back by arithmetic.

The n-grams of one order lie in one hash table. An n-gram is its last word after the
n-gram of the words before it, its *history*, which has a place in the table of the
order below: the history's *node* is that place, counted from 1. So ``node · V + word``
names the n-gram exactly. A bijection scatters these numbers evenly; because it can be
turned back, a table can be read back too, and two n-grams never share a key.

The first 32 bits of a key say where the n-gram should lie, and a table is sorted by
keys: a search goes up from there and ends at the key, at a larger one or at a gap.

Letters in shapes: N n-grams of one order.
"""

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.native import ngrams

Words = NDArray[np.int32]
Keys = NDArray[np.uint64]
Nodes = NDArray[np.uint32]

FACTORS = (0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93)  # odd, so they have inverses
MAX_SLOTS = (1 << 32) - 2  # of one order: a node fits into 32 bits


def key_bytes(vocabulary: int, slots_below: int) -> int:
    """How many bytes hold every key of an order; more than 8 do not exist."""
    return max(4, -(-((slots_below + 1) * vocabulary).bit_length() // 8))


def scattered(nodes_N: Nodes, words_N: Words, *, vocabulary: int, size: int) -> Keys:
    """The keys, of ``size`` bytes, of words after nodes; never 0."""
    if ngrams.available():
        return ngrams.keys(nodes_N, words_N, vocabulary=vocabulary, size=size)
    half, mask = np.uint64(4 * size), np.uint64((1 << 8 * size) - 1)
    keys_N: Keys = nodes_N.astype(np.uint64) * np.uint64(vocabulary) + words_N.astype(np.uint64)
    for factor in FACTORS:
        keys_N ^= keys_N >> half
        keys_N *= np.uint64(factor)
        keys_N &= mask
    return keys_N


def gathered(keys_N: Keys, *, vocabulary: int, size: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The nodes and words of keys: ``scattered`` turned back."""
    half, mask = np.uint64(4 * size), np.uint64((1 << 8 * size) - 1)
    plain_N = keys_N.copy()
    for factor in reversed(FACTORS):
        plain_N *= np.uint64(pow(factor, -1, 1 << 64))
        plain_N &= mask
        plain_N ^= plain_N >> half
    return plain_N // np.uint64(vocabulary), plain_N % np.uint64(vocabulary)


def homes_of(keys_N: Keys, *, homes: int, size: int) -> Keys:
    """The slot at which the search for each key begins."""
    return (keys_N >> np.uint64(8 * size - 32)) * np.uint64(homes) >> np.uint64(32)
