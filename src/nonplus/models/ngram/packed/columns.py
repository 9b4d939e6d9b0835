"""The columns of a packed model: small unsigned integers from which its tree follows.

A level has, in this order: how many n-grams each one on the level above begins; the
rank of each last word; probabilities; back-off weights, except on the lowest level. The
first level is below a root. Ranks count the words that may follow the history without
its oldest word, since a word that does follow is most often one of them. They are
written as differences between siblings, which wrap around.

Letters in shapes: L n-grams of the level above, M of a level, B bins.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadModel
from nonplus.kernels.native import trees
from nonplus.models.ngram.ngrams import Float32s
from nonplus.models.ngram.quantizing import bins
from nonplus.models.ngram.trie import Level, Marks, Places, Trie, sought

Column = NDArray[np.unsignedinteger[Any]]
Errors = tuple[tuple[float, ...], ...]

# What code 0 stands for: an n-gram that only longer ones need, and no back-off weight.
_PROB_0, _BACKOFF_0 = np.float32(np.nan), np.float32(0)


def columns(trie: Trie, *, bits: int) -> Iterator[Column]:
    """The columns of every level, from the first on."""
    above = _Above.root()
    for order, level in enumerate(trie.levels, 1):
        histories_M, words_M = np.divmod(level.keys_M, len(trie.words))
        fanouts_L = np.bincount(histories_M, minlength=len(above.keys_M))
        ranks_M, suffixes_M, known_M = above.ranks(histories_M, words_M, len(trie.words))
        yield _narrow(fanouts_L)
        yield _differences(ranks_M, fanouts_L)
        quantised = bits if order > 1 else 0
        yield from _value_columns(level.log10_probs_M, quantised, _PROB_0)
        if order < len(trie.levels):
            yield from _value_columns(level.log10_backoffs_M, quantised, _BACKOFF_0)
        above = _Above(level.keys_M, fanouts_L, suffixes_M, known_M)


def trie_of(made: Iterator[Column], counts: Sequence[int], words: Sequence[str], *, bits: int) -> tuple[Trie, Errors]:
    """The tree whose levels have ``counts`` entries, from its columns, and for each
    order above the first how far a log-probability, then a back-off weight is at most
    from what it was before quantising.

    Raises:
        BadModel: they are not the columns of a tree.
    """
    above, levels, errors = _Above.root(), [], []
    for order, count in enumerate(counts, 1):
        fanouts_L = _taken(made, len(above.keys_M)).astype(np.int64)
        differences_M = _taken(made, count)
        _check(int(fanouts_L.sum()) == count, f"order {order} has another number of n-grams than its histories begin")
        keys_M, suffixes_M, known_M, rising, within = above.below(fanouts_L, differences_M, len(words))
        _check(within, f"order {order} has a word that is not in the vocabulary")
        _check(rising, f"order {order} is not in order")
        quantised = bits if order > 1 else 0
        values = [_values(made, count, quantised, zero) for zero in (_PROB_0, _BACKOFF_0)[: 1 + (order < len(counts))]]
        backoffs_M = values[1][0] if order < len(counts) else np.zeros(count, np.float32)
        _check(not np.isnan(backoffs_M).any(), f"a back-off weight of order {order} is not a number")
        levels.append(Level(keys_M, values[0][0], backoffs_M))
        errors.append(tuple(error for _, error in values))
        above = _Above(keys_M, fanouts_L, suffixes_M, known_M)
    _check(next(made, None) is None, "there are more columns than the orders have")
    return Trie(words, tuple(levels)), tuple(errors[1:]) if bits else ()


@final
@dataclass(frozen=True, slots=True)
class _Above:
    """A level as the next one is written by it.

    ``fanouts_L`` tells how many of ``keys_M`` each entry of the level before begins.
    ``suffixes_M`` is the place there of each n-gram without its oldest word, where
    ``known_M`` says that it is there.
    """

    keys_M: Places
    fanouts_L: Places
    suffixes_M: Places
    known_M: Marks

    @classmethod
    def root(cls) -> "_Above":
        """What the first level is below: the empty history."""
        zero = np.zeros(1, np.int64)
        return cls(zero, zero, zero, np.zeros(1, np.bool_))

    def ranks(self, histories_N: Places, words_N: Places, size: int) -> tuple[Places, Places, Marks]:
        """The ranks of words after histories, then what the next level needs of them:
        the suffixes, and which are known.
        """
        places_N, there_N = sought(self.keys_M, self.suffixes_M[histories_N] * size + words_N)
        there_N &= self.known_M[histories_N]
        firsts_N, followers_N = self._followers(histories_N)
        return np.where(there_N, places_N - firsts_N, followers_N + words_N), places_N, there_N

    def below(self, fanouts_L: Places, differences_M: Column, size: int) -> tuple[Places, Places, Marks, bool, bool]:
        """The keys of the next level, from ranks as they are written; suffixes as in
        ``ranks``; whether the words below each history rise, and are below ``size``.
        """
        if trees.available():
            arrays = (self.keys_M, self._firsts_L, self.fanouts_L, self.suffixes_M, self.known_M)
            return trees.below(*arrays, fanouts_L, differences_M, vocabulary=size)
        histories_M = np.repeat(np.arange(len(fanouts_L)), fanouts_L)
        ranks_M = _ranks(differences_M, fanouts_L, histories_M)
        firsts_M, followers_M = self._followers(histories_M)
        there_M = ranks_M < followers_M
        places_M = np.where(there_M, firsts_M + ranks_M, 0)
        words_M = np.where(there_M, self.keys_M[places_M] % size, ranks_M - followers_M)
        rising = (words_M[1:] > words_M[:-1]) | (histories_M[1:] > histories_M[:-1])
        return histories_M * size + words_M, places_M, there_M, bool(rising.all()), bool((words_M < size).all())

    def _followers(self, histories_N: Places) -> tuple[Places, Places]:
        """Where the words begin that follow each history without its oldest word, and
        how many they are.
        """
        suffixes_N = self.suffixes_M[histories_N]
        followers_N = np.where(self.known_M[histories_N], self.fanouts_L[suffixes_N], 0)
        return self._firsts_L[suffixes_N], followers_N

    @property
    def _firsts_L(self) -> Places:
        """Where the words begin that follow each entry of the level before."""
        return np.cumsum(self.fanouts_L) - self.fanouts_L


_NONE = np.zeros(0, np.uint8)


def _differences(ranks_M: Places, fanouts_L: Places) -> Column:
    """What each rank adds to the least that it can be after its elder sibling."""
    first_M = np.zeros(len(ranks_M), np.bool_)
    first_M[(np.cumsum(fanouts_L) - fanouts_L)[fanouts_L > 0]] = True
    least_M = np.roll(ranks_M, 1) + 1
    least_M[first_M] = 0
    return (ranks_M - least_M).astype(_narrow(ranks_M).dtype)


def _ranks(differences_M: Column, fanouts_L: Places, histories_M: Places) -> Places:
    reached = np.concatenate([[0], np.cumsum(differences_M.astype(np.int64) + 1)])
    base_L = reached[np.cumsum(fanouts_L) - fanouts_L]
    wrap = 1 << (8 * differences_M.itemsize)
    ranks_M: Places = (reached[1:] - 1 - base_L[histories_M]) % wrap
    return ranks_M


def _value_columns(values_M: Float32s, bits: int, zero: np.float32) -> Iterator[Column]:
    """The values as they are; else the error and the bins, then the codes."""
    if not bits:
        yield values_M.view(np.uint32)
        return
    usual_M = ~np.isnan(values_M) if np.isnan(zero) else values_M != zero
    made = bins(lambda: [values_M[usual_M]], bits, reserved=1)
    # The next float32: a bound that is rounded down is none.
    error = np.nextafter(np.float32(made.error), np.float32(np.inf)) if made.error else 0
    stands_for_B: Float32s = np.concatenate([[error], made.values_B]).astype(np.float32)
    yield stands_for_B.view(np.uint32)
    codes_M: Column = np.zeros(len(values_M), np.uint8 if bits <= 8 else np.uint16)
    codes_M[usual_M] = made.codes(values_M[usual_M]) + 1
    yield codes_M


def _values(made: Iterator[Column], count: int, bits: int, zero: np.float32) -> tuple[Float32s, float]:
    if not bits:
        return _floats(_taken(made, count)), 0.0
    stands_for_B = _floats(next(made, _NONE)).copy()
    _check(len(stands_for_B) > 0, "a column of codes has no bins")
    error = float(stands_for_B[0])
    codes_M = _taken(made, count)
    _check(int(codes_M.max(initial=0)) < len(stands_for_B), "a code has no bin")
    stands_for_B[0] = zero
    return stands_for_B.take(codes_M), error


def _floats(column: Column) -> Float32s:
    _check(column.itemsize == 4, "a column of numbers is not of float32")
    return column.view(np.float32)


def _taken(made: Iterator[Column], count: int) -> Column:
    """The next column, which has ``count`` items."""
    column = next(made, _NONE)
    _check(len(column) == count, f"a column has {len(column):,} items where {count:,} are needed")
    return column


def _narrow(values: Places) -> Column:
    """The same integers in the narrowest type that holds them."""
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))


def _check(holds: bool, problem: str) -> None:
    if not holds:
        raise BadModel(problem)
