"""What a model says of each n-gram without its oldest word.

Letters in shapes: L n-grams of the level above, M of a level.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.models.ngram.ngrams import Float32s
from nonplus.models.ngram.trie import Level, Log10s, Marks, Places, Trie, sought


@final
@dataclass(frozen=True, slots=True)
class Lower:
    """The n-grams of one order above the first, without their oldest words.

    ``histories_M`` and ``words_M`` are the two parts of each n-gram. Without its oldest
    word it is at the place ``suffixes_M`` of the level above, where ``known_M`` says
    that it is there. ``log10_probs_M`` is the probability of its last word after the
    others but the oldest.
    """

    histories_M: Places
    words_M: Places
    suffixes_M: Places
    known_M: Marks
    log10_probs_M: Log10s


def lower_orders(trie: Trie) -> Iterator[Lower]:
    """That of order 2, 3, …; the tree has no n-gram of probability NaN."""
    size = len(trie.words)
    suffixes_L, known_L = np.zeros(size, np.int64), np.ones(size, np.bool_)
    for order in range(2, len(trie.levels) + 1):
        above = trie.levels[order - 2]
        histories_M, words_M = np.divmod(trie.levels[order - 1].keys_M, size)
        suffixes_M, known_M = sought(above.keys_M, suffixes_L[histories_M] * size + words_M)
        known_M &= known_L[histories_M]
        probs_M = above.log10_probs_M[suffixes_M].astype(np.float64)
        if not known_M.all():
            probs_M[~known_M] = trie.log10_probs(trie.ids(order)[~known_M, 1:])
        yield Lower(histories_M, words_M, suffixes_M, known_M, probs_M)
        suffixes_L, known_L = suffixes_M, known_M


def filled(trie: Trie) -> Trie:
    """The same model with every n-gram of probability NaN as one of its own."""
    levels = list(trie.levels)
    for order, level in enumerate(trie.levels, 1):
        missing_M = ~level.there_M
        probs_M: Float32s = level.log10_probs_M.copy()
        probs_M[missing_M] = trie.log10_probs(trie.ids(order)[missing_M])
        levels[order - 1] = Level(level.keys_M, probs_M, level.log10_backoffs_M)
    return Trie(trie.words, tuple(levels))
