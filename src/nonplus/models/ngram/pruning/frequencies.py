"""How often each history comes up in text that follows a model.

The product of the probabilities of its own n-grams is far off in a Kneser-Ney model,
whose lower orders say in how many contexts a word occurs, not how often; an entropy
pruning that relies on it keeps the wrong n-grams (Chelba et al. 2010, "Study on
interaction between entropy pruning and Kneser-Ney smoothing"). But the next order
knows: a word is as frequent as the sum, over all histories, of their frequency times
its probability after each.

Letters in shapes: K, L and M n-grams of three orders, one after the other.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nonplus.models.ngram.ngrams import BEGIN, END, Float32s
from nonplus.models.ngram.pruning.lower_orders import Lower
from nonplus.models.ngram.trie import Marks, Trie

Frequencies = NDArray[np.float64]

_ROUNDS = 8  # a bigram model forgets within a few words where it began
_LATER_ROUNDS = 2


def frequencies(trie: Trie, lower: Sequence[Lower]) -> list[Frequencies]:
    """At which part of all positions the history is each n-gram of order 1, 2, …, for
    all orders but the highest. ``lower`` is that of the tree.
    """
    if len(trie.levels) < 2:
        return []
    found = [_of_words(trie, lower[0])]
    begin_L = np.arange(len(trie.words)) == BEGIN
    for order in range(2, len(trie.levels)):
        begin_L = begin_L[lower[order - 2].histories_M]
        found.append(_of_ngrams(trie, order, lower, found[-1], begin_L))
    return found


def _of_words(trie: Trie, lower: Lower) -> Frequencies:
    """Of order 1: where the bigrams lead in the long run; ``<s>`` follows ``</s>``."""
    probs_L, backoffs_L = _power(trie.levels[0].log10_probs_M), _power(trie.levels[0].log10_backoffs_M)
    added_M = _added(trie, 2, lower)
    frequencies_L: Frequencies = probs_L
    for _ in range(_ROUNDS):
        frequencies_L = frequencies_L.copy()
        frequencies_L[BEGIN] = frequencies_L[END]
        frequencies_L /= frequencies_L.sum()
        before_L = frequencies_L.copy()
        before_L[END] = 0  # no word of its sentence follows
        gained_L = np.bincount(lower.words_M, before_L[lower.histories_M] * added_M, len(probs_L))
        frequencies_L = np.maximum(gained_L + probs_L * (before_L @ backoffs_L), 0)
    frequencies_L[BEGIN] = frequencies_L[END]
    frequencies_L /= frequencies_L.sum()
    return frequencies_L


def _of_ngrams(trie: Trie, order: int, lower: Sequence[Lower], above_K: Frequencies, begin_L: Marks) -> Frequencies:
    """Of a higher order, from the frequencies of the order above and the probabilities
    of the next one; where an n-gram begins a sentence, its own probability is right.
    """
    own, longer = lower[order - 2], lower[order - 1]
    level = trie.levels[order - 1]
    probs_L, backoffs_L = _power(level.log10_probs_M), _power(level.log10_backoffs_M)
    added_M = _added(trie, order + 1, longer)
    first_L = frequencies_L = above_K[own.histories_M] * probs_L
    suffixes, known_L = own.suffixes_M[own.known_M], own.known_M
    for _ in range(_LATER_ROUNDS):
        weights_M = (frequencies_L[longer.histories_M] * added_M)[longer.known_M]
        gained_L = np.bincount(longer.suffixes_M[longer.known_M], weights_M, len(probs_L))
        # A history comes after one more word, which the model knows with it or not.
        known_K = np.bincount(suffixes, frequencies_L[known_L], len(above_K))
        backed_off_K = np.bincount(suffixes, (frequencies_L * backoffs_L)[known_L], len(above_K))
        reached_K = backed_off_K + np.maximum(above_K - known_K, 0)
        frequencies_L = np.maximum(gained_L + probs_L * reached_K[own.histories_M], 0)
        frequencies_L = np.where(begin_L, first_L, frequencies_L)
    return frequencies_L


def _added(trie: Trie, order: int, lower: Lower) -> Frequencies:
    """How much more probable each n-gram of that order is than by backing off."""
    backoffs_L = _power(trie.levels[order - 2].log10_backoffs_M)
    by_backing_off_M = backoffs_L[lower.histories_M] * 10**lower.log10_probs_M
    return _power(trie.levels[order - 1].log10_probs_M) - by_backing_off_M


def _power(log10s: Float32s) -> Frequencies:
    powers: Frequencies = 10 ** log10s.astype(np.float64)
    return powers
