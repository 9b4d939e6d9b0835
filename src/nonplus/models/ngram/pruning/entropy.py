"""N-grams removed from a model: those whose loss it feels least.

Letters in shapes: M n-grams of one order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.errors import BadInput
from nonplus.models.ngram.ngrams import Ngrams
from nonplus.models.ngram.packed.file import packed
from nonplus.models.ngram.pruning.backoff_weights import Rests, renewed
from nonplus.models.ngram.pruning.frequencies import frequencies
from nonplus.models.ngram.pruning.lower_orders import filled, lower_orders
from nonplus.models.ngram.pruning.relative_entropy import Continuations, Nats, continuations
from nonplus.models.ngram.trie import Level, Marks, Trie, as_trie


@final
@dataclass(frozen=True, slots=True)
class Pruned:
    """A model that was pruned.

    ``threshold`` is that of :func:`pruned_by_entropy` for the same result, and
    ``divergence`` how much worse the predictions are, in nats per token: on text that
    follows the model, the perplexity grows by about the factor ``exp(divergence)``.
    """

    ngrams: Trie
    threshold: float
    divergence: float


def pruned_by_entropy(ngrams: Ngrams, threshold: float) -> Pruned:
    """A model without the n-grams each of which alone raises the perplexity by a
    smaller part than ``threshold`` if it is removed, unless a longer one that begins
    with it stays.

    The back-off weights are computed anew, so that the probabilities after every
    history sum to 1 if they did. Source: Stolcke 1998, "Entropy-based pruning of
    backoff language models"; how often histories come up is not taken from their own
    n-grams but from longer ones (see :func:`nonplus.models.ngram.pruning.frequencies`).

    Raises:
        BadModel: the n-grams are no model.
    """
    return _Candidates.of(ngrams).above(threshold)


def pruned_to_ngrams(ngrams: Ngrams, most: int) -> Pruned:
    """The same with the least threshold that leaves at most ``most`` n-grams, those of
    order 1 included.

    Raises:
        BadInput: the words alone are more.
        BadModel: the n-grams are no model.
    """
    return _Candidates.of(ngrams).at_most(most)


def pruned_to_bytes(ngrams: Ngrams, most: int, *, bits: int = 0, beside: int = 0) -> Pruned:
    """The same with a threshold that leaves at most ``most`` bytes in the packed form
    with ``bits``, and about as many as fit; ``beside`` are bytes of other files.

    Raises:
        BadInput: the words alone take more.
        BadModel: the n-grams are no model.
    """
    candidates = _Candidates.of(ngrams)
    words = len(candidates.trie.words)

    def size(model: Pruned) -> int:
        return beside + len(packed(model.ngrams, bits=bits))

    best = candidates.at_most(words)
    least_bytes, fits, too_many = size(best), words, sum(candidates.trie.counts)
    if least_bytes > most:
        raise BadInput(
            f"the {words:,} words alone take {least_bytes:,} bytes, got to_bytes={most}; allow at least "
            f"to_bytes={least_bytes}"
        )
    whole = candidates.above(0.0)
    greatest_bytes = size(whole)
    if greatest_bytes <= most:
        return whole
    for _ in range(_TRIES):
        share = (most - least_bytes) / (greatest_bytes - least_bytes)
        tried = candidates.at_most(fits + int(share * _AIM * (too_many - fits)))
        needed, left = size(tried), sum(tried.ngrams.counts)
        if needed > most:
            too_many, greatest_bytes = left, needed
        else:
            best, fits, least_bytes = tried, left, needed
            if needed > _ENOUGH * most:
                break
    return best


_TRIES, _ENOUGH = 8, 0.995
_AIM = 0.998  # of two sizes just above and just below, only one fits


@final
@dataclass(frozen=True, slots=True)
class _Candidates:
    """A model with what the removal of each n-gram above the first order would cost.

    ``scores`` are, for order 2, 3, …, the part by which the perplexity would rise, or
    the greatest one of the longer n-grams that begin with it.
    """

    trie: Trie
    rests: Sequence[Rests]
    parts: Sequence[Continuations]
    scores: Sequence[Nats]

    @classmethod
    def of(cls, ngrams: Ngrams) -> "_Candidates":
        trie = filled(as_trie(ngrams))
        lower = list(lower_orders(trie))
        rests = [
            Rests.of(trie.levels[order], each, len(trie.levels[order - 1].keys_M))
            for order, each in enumerate(lower, 1)
        ]
        parts = list(continuations(trie, lower, rests, frequencies(trie, lower)))
        scores = [np.maximum(np.expm1(part.alone()), 0) for part in parts]
        for upper_L, longer_M, part in reversed(list(zip(scores, scores[1:], parts[1:], strict=False))):
            first = np.flatnonzero(np.diff(part.histories_M, prepend=-1))
            if len(first):
                histories = part.histories_M[first]
                upper_L[histories] = np.maximum(upper_L[histories], np.maximum.reduceat(longer_M, first))
        return cls(trie, rests, parts, scores)

    def above(self, threshold: float) -> Pruned:
        """The model of those with a score of at least ``threshold``."""
        kept = [np.ones(len(self.trie.words), np.bool_), *(score_M >= threshold for score_M in self.scores)]
        divergence = sum(part.together(~kept_M) for part, kept_M in zip(self.parts, kept[1:], strict=True))
        rests = [
            Rests(rest.own_L[kept_L], rest.lower_L[kept_L]) for rest, kept_L in zip(self.rests, kept, strict=False)
        ]
        return Pruned(_without_empty(renewed(_subtree(self.trie, kept), rests)), threshold, divergence)

    def at_most(self, most: int) -> Pruned:
        """The model of ``most`` n-grams or, as some score the same, a few less."""
        room = most - len(self.trie.words)
        if room < 0:
            raise BadInput(f"the model has {len(self.trie.words):,} words, got ngrams={most}; allow at least as many")
        together = np.concatenate([np.zeros(0), *self.scores])
        if room >= len(together):
            return self.above(0.0)
        first_removed = np.partition(together, len(together) - room - 1)[len(together) - room - 1]
        return self.above(float(np.nextafter(first_removed, np.inf)))


def _subtree(trie: Trie, kept: Sequence[Marks]) -> Trie:
    """The tree of the n-grams kept, each with its history."""
    levels: list[Level] = []
    places = np.zeros(1, np.int64)  # of each history in the new tree
    for level, kept_M in zip(trie.levels, kept, strict=True):
        histories, words = np.divmod(level.keys_M[kept_M], len(trie.words))
        keys = places[histories] * len(trie.words) + words
        levels.append(Level(keys, level.log10_probs_M[kept_M], level.log10_backoffs_M[kept_M]))
        places = np.cumsum(kept_M) - 1
    return Trie(trie.words, tuple(levels))


def _without_empty(trie: Trie) -> Trie:
    """The tree without orders that have no n-grams left; the highest backs off to
    nothing.
    """
    levels = [level for level in trie.levels if len(level.keys_M)]
    longest = levels.pop()
    zero_M = np.zeros_like(longest.log10_backoffs_M)
    return Trie(trie.words, (*levels, Level(longest.keys_M, longest.log10_probs_M, zero_M)))
