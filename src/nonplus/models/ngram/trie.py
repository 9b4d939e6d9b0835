"""The n-grams of a model as a tree in memory: each below its history, in order.

Letters in shapes: M n-grams of one order, k words of each, N n-grams to look up, V
words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadModel
from nonplus.kernels.native import trees
from nonplus.models.ngram.ngrams import Block, Float32s, Ngrams, WordIds

Places = NDArray[np.int64]
Marks = NDArray[np.bool_]
Log10s = NDArray[np.float64]

_REPAIR = "train or export the model again"


@final
@dataclass(frozen=True, slots=True)
class Level:
    """The n-grams of one order, ascending by their words, each once.

    Where the model has only longer ones that begin with it, the probability is NaN.

    A key of ``keys_M`` is the place of the n-gram's history (its words but the last) on
    the level above, times V, plus the id of its last word.
    """

    keys_M: Places
    log10_probs_M: Float32s
    log10_backoffs_M: Float32s

    @property
    def there_M(self) -> Marks:
        """Which of them the model has."""
        return ~np.isnan(self.log10_probs_M)


@final
@dataclass(frozen=True, slots=True)
class Trie:
    """A model in which every n-gram can be looked up; it is an ``Ngrams``."""

    words: Sequence[str]
    levels: tuple[Level, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """How many n-grams there are of order 1, 2, …"""
        return tuple(int(np.count_nonzero(level.there_M)) for level in self.levels)

    def blocks(self, order: int) -> Iterator[Block]:
        """The n-grams of that order, as one block."""
        level = self.levels[order - 1]
        there_M = level.there_M
        if there_M.all():
            yield Block(self.ids(order), level.log10_probs_M, level.log10_backoffs_M)
            return
        yield Block(self.ids(order)[there_M], level.log10_probs_M[there_M], level.log10_backoffs_M[there_M])

    def ids(self, order: int) -> WordIds:
        """The words of all on the level of that order, (M, k)."""
        if trees.fits(order):
            return trees.ids([level.keys_M for level in self.levels[:order]], len(self.words))
        ids_Mk = np.empty((len(self.levels[order - 1].keys_M), order), np.int32)
        places = np.arange(len(ids_Mk))
        for column in reversed(range(order)):
            places, ids_Mk[:, column] = np.divmod(self.levels[column].keys_M[places], len(self.words))
        return ids_Mk

    def histories(self, order: int) -> Places:
        """The place of the history of each on the level above, (M,)."""
        return self.levels[order - 1].keys_M // len(self.words)

    def places(self, ids_Nk: WordIds) -> tuple[Places, Marks]:
        """The place of each n-gram on its level, and whether it is on it at all; the
        place of one that is not means nothing.
        """
        places_N, found_N = np.zeros(len(ids_Nk), np.int64), np.ones(len(ids_Nk), np.bool_)
        for level, ids_N in zip(self.levels, ids_Nk.T, strict=False):
            places_N, there_N = sought(level.keys_M, places_N * len(self.words) + ids_N)
            found_N &= there_N
        return places_N, found_N

    def log10_probs(self, ids_Nk: WordIds) -> Log10s:
        """The base-10 log-probability of the last word of each row after the others."""
        places_N, found_N = self.places(ids_Nk)
        probs_N: Log10s = self.levels[ids_Nk.shape[1] - 1].log10_probs_M[places_N].astype(np.float64)
        missing = ~found_N | np.isnan(probs_N)
        if missing.any():
            probs_N[missing] = self._log10_backoffs(ids_Nk[missing, :-1]) + self.log10_probs(ids_Nk[missing, 1:])
        return probs_N

    def _log10_backoffs(self, ids_Nk: WordIds) -> Log10s:
        places_N, found_N = self.places(ids_Nk)
        backoffs_N: Log10s = self.levels[ids_Nk.shape[1] - 1].log10_backoffs_M[places_N].astype(np.float64)
        backoffs_N[~found_N] = 0
        return backoffs_N


def as_trie(ngrams: Ngrams) -> Trie:
    """The same model as a tree.

    Raises:
        BadModel: an n-gram is there twice, or has a word without an id.
    """
    blocks: list[Block] = []
    histories_Mk = np.zeros((0, len(ngrams.counts)), np.int32)
    for order in reversed(range(1, len(ngrams.counts) + 1)):
        block = _with(histories_Mk, list(ngrams.blocks(order)), ngrams.words)
        blocks.append(block)
        histories_Mk = block.ids_Mk[_first(block.ids_Mk[:, :-1]), :-1]
    levels: tuple[Level, ...] = ()
    for block in reversed(blocks):
        above, size = Trie(ngrams.words, levels), len(ngrams.words)
        keys_M = above.places(block.ids_Mk[:, :-1])[0] * size + block.ids_Mk[:, -1]
        levels = (*levels, Level(keys_M, block.log10_probs_M, block.log10_backoffs_M))
    return Trie(ngrams.words, levels)


def _with(histories_Mk: WordIds, blocks: list[Block], words: Sequence[str]) -> Block:
    """The n-grams of an order, sorted, and among them the histories of longer ones that
    are not there, which have probability NaN.
    """
    ids_Mk = np.concatenate([*(block.ids_Mk for block in blocks), histories_Mk])
    unknown_M = np.full(len(histories_Mk), np.nan, np.float32)
    probs_M = np.concatenate([*(block.log10_probs_M for block in blocks), unknown_M])
    backoffs_M = np.concatenate([*(block.log10_backoffs_M for block in blocks), np.zeros_like(unknown_M)])
    if ids_Mk.min(initial=0) < 0 or ids_Mk.max(initial=0) >= len(words):
        raise BadModel(f"an n-gram has a word id that none of the {len(words):,} words has; {_REPAIR}")
    ascending = np.lexsort(ids_Mk.T[::-1])  # stable: of two that are equal the history is the second
    ids_Mk, probs_M, backoffs_M = ids_Mk[ascending], probs_M[ascending], backoffs_M[ascending]
    first_M = _first(ids_Mk)
    twice_M = ~first_M & ~np.isnan(probs_M)
    if twice_M.any():
        ngram = " ".join(words[word] for word in ids_Mk[np.argmax(twice_M)])
        raise BadModel(f"the n-gram {ngram!r} is in the model twice; {_REPAIR}")
    return Block(ids_Mk[first_M], probs_M[first_M], backoffs_M[first_M])


def _first(ids_Mk: WordIds) -> Marks:
    """Which of sorted rows are not equal to the row before."""
    first_M = np.ones(len(ids_Mk), np.bool_)
    first_M[1:] = (ids_Mk[1:] != ids_Mk[:-1]).any(axis=1)
    return first_M


def sought(keys_M: Places, keys_N: Places) -> tuple[Places, Marks]:
    """Where each of ``keys_N`` is among ``keys_M``, which ascend, and whether it is."""
    places_N = np.searchsorted(keys_M, keys_N)
    if not len(keys_M):
        return places_N, np.zeros(len(keys_N), np.bool_)
    places_N = np.minimum(places_N, len(keys_M) - 1)
    return places_N, keys_M[places_N] == keys_N
