"""From counts to probabilities: interpolated modified Kneser-Ney.

A probability is ``(count - discount) / sum of its context + weight * probability
without the oldest word``; the weight gives back what the discounts took. All counts are
integers, and each probability is computed from them in one order, so it is the same
however the n-grams are divided.

Letters in shapes: V words, M n-grams of one order, C contexts of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.errors import BadInput
from nonplus.kernels.native import counting as native
from nonplus.kernels.native.counting import Level
from nonplus.measure.records import Bools, Floats, Ints
from nonplus.models.ngram.ngrams import BEGIN, END, Float32s, WordIds
from nonplus.models.ngram.training.discounts import Discounts

_AT_ONCE = 1 << 17  # n-grams


@final
@dataclass(frozen=True, slots=True)
class Estimates:
    """Probabilities of the n-grams of one order, and the weights of their contexts.

    ``prob_M`` is of each n-gram; ``weight_C`` of each context is what it leaves to
    shorter ones, the back-off weight of the n-gram that it is.
    """

    prob_M: Floats
    weight_C: Floats


def unigrams(counts_V: Ints, discount: Discounts) -> Floats:
    """The probability of each word; those not seen share what the discounts left.

    ``<s>`` is never predicted, so it has no part in this, and 1 as its value.
    """
    amount = _amounts(discount)
    total = int(counts_V.sum())
    n = np.bincount(np.minimum(counts_V, 3), minlength=4)
    left = (amount[1] * n[1] + amount[2] * n[2] + amount[3] * n[3]) / total
    prob_V = (counts_V - amount[np.minimum(counts_V, 3)]) / total + left / (len(counts_V) - 1)
    prob_V[BEGIN] = 1.0
    return np.asarray(prob_V)


def estimates(level: Level, shorter: Floats, discount: Discounts, *, threshold: int) -> Estimates:
    """Probabilities of one order; ``shorter`` are those of the order below, as
    ``level.parents_M`` counts them.

    An n-gram that occurs at most ``threshold`` times is left out, and its count goes to
    the weight of its context.
    """
    found = Estimates(np.empty(len(level.words_M)), np.empty(len(level.sizes_C)))
    for ngrams, contexts in _parts(np.cumsum(level.sizes_C, dtype=np.int64)):
        counts_M, sizes_C = level.counts_M[ngrams].astype(np.int64), level.sizes_C[contexts].astype(np.int64)
        kept_M = level.actual_M[ngrams] > threshold if threshold else np.ones(len(counts_M), bool)
        total_C, left_C = _totals(counts_M, kept_M, sizes_C, discount)
        # A context only at the end of sentences leaves everything to shorter ones.
        weight_C = np.divide(left_C, total_C, out=np.ones(len(total_C)), where=total_C > 0)
        prob_M = (counts_M - _amounts(discount)[np.minimum(counts_M, 3) * kept_M]) / np.repeat(total_C, sizes_C)
        prob_M += np.repeat(weight_C, sizes_C) * shorter[level.parents_M[ngrams]]
        found.prob_M[ngrams], found.weight_C[contexts] = prob_M, weight_C
    return found


def _parts(end_C: Ints) -> Iterator[tuple[slice, slice]]:
    """N-grams and their contexts, some at once: larger arrays cost more than work."""
    first = start = 0
    while first < len(end_C):
        last = max(first + 1, int(np.searchsorted(end_C, start + _AT_ONCE, side="right")))
        stop = int(end_C[last - 1])
        yield slice(start, stop), slice(first, last)
        first, start = last, stop


def _totals(counts_M: Ints, kept_M: Bools, sizes_C: Ints, discount: Discounts) -> tuple[Ints, Floats]:
    """The sum of the counts of each context, and how much of it shorter ones get."""
    amount, class_M = _amounts(discount), np.minimum(counts_M, 3) * kept_M
    n1, n2, n3 = (_sums(class_M == j, sizes_C) for j in (1, 2, 3))
    pruned_C = _sums(counts_M * ~kept_M, sizes_C)
    return _sums(counts_M, sizes_C), amount[1] * n1 + amount[2] * n2 + amount[3] * n3 + pruned_C


def backoffs(word_M: WordIds, weight_W: Float32s, *, words: int) -> Float32s:
    """The back-off weight of each n-gram of one order; 0 of those that end a sentence.

    ``weight_W`` are those of all contexts that the n-grams are, in order of their last
    word, then of the word before it, and so on. The n-grams come in order of their last
    word but one first, then of those before it, and of their last word in the end.
    """
    sizes_V = np.bincount(word_M, minlength=words)
    sizes_V[END] = 0
    if native.functions() is not None:
        return native.gather(word_M, np.cumsum(sizes_V) - sizes_V, weight_W, without=END)
    found_M = np.zeros(len(word_M), np.float32)
    by_word = np.argsort(word_M, kind="stable")
    found_M[by_word[word_M[by_word] != END]] = weight_W
    return found_M


def log10(values: Floats) -> Float32s:
    """Base-10 logarithms, at most 0, as models keep them."""
    if not values.all():
        raise BadInput(
            "a discount of 0 leaves no probability for what was not seen after some words, where lmplz writes -inf; "
            "give more text, or leave out exact_lmplz=True"
        )
    return np.minimum(np.log10(values), 0.0).astype(np.float32)


def _amounts(discount: Discounts) -> Floats:
    return np.array([0.0, discount.one, discount.two, discount.more])


def _sums(values: Ints | Bools, sizes_C: Ints) -> Ints:
    """The sum over the n-grams of each context."""
    before = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    ends_C = np.cumsum(sizes_C)
    return np.asarray(before[ends_C] - before[ends_C - sizes_C])
