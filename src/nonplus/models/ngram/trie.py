"""The n-grams of a model as a tree in memory: each below its history, in order.

Letters in shapes: M n-grams of one order, k words of each, N n-grams looked up, V words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadModel
from nonplus.models.ngram.ngrams import Block, Float32s, Ngrams, WordIds

Places = NDArray[np.int64]
Marks = NDArray[np.bool_]

_REPAIR = "train or export the model again"


@final
@dataclass(frozen=True, slots=True)
class Level:
    """The n-grams of one order, ascending by their words, each once.

    A key of ``keys_M`` is the place of the n-gram's history (its words but the last) on
    the level above, times V, plus the id of its last word.
    """

    keys_M: Places
    log10_probs_M: Float32s
    log10_backoffs_M: Float32s


@final
@dataclass(frozen=True, slots=True)
class Trie:
    """A model in which every n-gram can be looked up; it is an ``Ngrams``."""

    words: Sequence[str]
    levels: tuple[Level, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """How many n-grams there are of order 1, 2, …"""
        return tuple(len(level.keys_M) for level in self.levels)

    def blocks(self, order: int) -> Iterator[Block]:
        """The n-grams of that order, as one block."""
        level = self.levels[order - 1]
        yield Block(self.ids(order), level.log10_probs_M, level.log10_backoffs_M)

    def ids(self, order: int) -> WordIds:
        """The words of each n-gram of that order, (M, k)."""
        ids_Mk = np.empty((len(self.levels[order - 1].keys_M), order), np.int32)
        places = np.arange(len(ids_Mk))
        for column in reversed(range(order)):
            places, ids_Mk[:, column] = np.divmod(self.levels[column].keys_M[places], len(self.words))
        return ids_Mk

    def histories(self, order: int) -> Places:
        """The place of each n-gram's history on the level above, (M,)."""
        return self.levels[order - 1].keys_M // len(self.words)

    def places(self, ids_Nk: WordIds) -> tuple[Places, Marks]:
        """The place of each n-gram on its level, and whether it is there at all; the
        place of one that is not there means nothing.
        """
        places_N, found_N = np.zeros(len(ids_Nk), np.int64), np.ones(len(ids_Nk), np.bool_)
        for level, ids_N in zip(self.levels, ids_Nk.T, strict=False):
            places_N, there_N = _sought(level.keys_M, places_N * len(self.words) + ids_N)
            found_N &= there_N
        return places_N, found_N

    def log10_probs(self, ids_Nk: WordIds) -> NDArray[np.float64]:
        """The base-10 log-probability of the last word after the others, of each row."""
        places_N, found_N = self.places(ids_Nk)
        probs_N = self.levels[ids_Nk.shape[1] - 1].log10_probs_M[places_N].astype(np.float64)
        if not found_N.all():
            missing = ~found_N
            probs_N[missing] = self._log10_backoffs(ids_Nk[missing, :-1]) + self.log10_probs(ids_Nk[missing, 1:])
        return probs_N

    def _log10_backoffs(self, ids_Nk: WordIds) -> NDArray[np.float64]:
        places_N, found_N = self.places(ids_Nk)
        backoffs_N = self.levels[ids_Nk.shape[1] - 1].log10_backoffs_M[places_N]
        return np.where(found_N, backoffs_N, 0).astype(np.float64)


def as_trie(ngrams: Ngrams) -> Trie:
    """The same model as a tree.

    Raises:
        BadModel: an n-gram is there twice, has a word without an id, or has a history
            that is not there.
    """
    levels: tuple[Level, ...] = ()
    for order in range(1, len(ngrams.counts) + 1):
        blocks = list(ngrams.blocks(order))
        ids_Mk = np.concatenate([block.ids_Mk for block in blocks])
        ascending = np.lexsort(ids_Mk.T[::-1])
        ids_Mk = ids_Mk[ascending]
        level = Level(
            _keys(Trie(ngrams.words, levels), ids_Mk),
            np.concatenate([block.log10_probs_M for block in blocks])[ascending],
            np.concatenate([block.log10_backoffs_M for block in blocks])[ascending],
        )
        levels = (*levels, level)
    return Trie(ngrams.words, levels)


def _keys(above: Trie, ids_Mk: WordIds) -> Places:
    """The keys of sorted n-grams, whose histories are the lowest level of ``above``."""
    order, size = ids_Mk.shape[1], len(above.words)
    if ids_Mk.min(initial=0) < 0 or ids_Mk.max(initial=0) >= size:
        raise BadModel(f"an n-gram of order {order} has a word id that none of the {size:,} words has; {_REPAIR}")
    histories_M, found_M = above.places(ids_Mk[:, :-1])
    keys_M = histories_M * size + ids_Mk[:, -1]
    for wrong_M, problem in (
        (~found_M, "has a history, {history!r}, that is not in the model, and every history must be"),
        (np.diff(keys_M, prepend=-1) == 0, "is in the model twice"),
    ):
        if wrong_M.any():
            ngram = [above.words[word] for word in ids_Mk[np.argmax(wrong_M)]]
            about = problem.format(history=" ".join(ngram[:-1]))
            raise BadModel(f"the n-gram {' '.join(ngram)!r} {about}; {_REPAIR}")
    return keys_M


def _sought(keys_M: Places, keys_N: Places) -> tuple[Places, Marks]:
    """Where each of ``keys_N`` is among ``keys_M``, which ascend, and whether it is."""
    places_N = np.searchsorted(keys_M, keys_N)
    if not len(keys_M):
        return places_N, np.zeros(len(keys_N), np.bool_)
    places_N = np.minimum(places_N, len(keys_M) - 1)
    return places_N, keys_M[places_N] == keys_N
