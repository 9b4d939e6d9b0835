"""The columns of a packed model: small unsigned integers from which its tree follows.

A level has, in this order: how many n-grams each one on the level above begins; the id
of each last word, as what it adds to the least that it can be after its elder sibling;
probabilities; back-off weights, except on the lowest level. The first level is below a
root.

Letters in shapes: L n-grams of the level above, M of a level, B bins.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadModel
from nonplus.models.ngram.ngrams import Float32s
from nonplus.models.ngram.quantizing import bins
from nonplus.models.ngram.trie import Level, Places, Trie

Column = NDArray[np.unsignedinteger[Any]]
Errors = tuple[tuple[float, ...], ...]

# What code 0 stands for: an n-gram that only longer ones need, and no back-off weight.
_PROB_0, _BACKOFF_0 = np.float32(np.nan), np.float32(0)


def columns(trie: Trie, *, bits: int) -> Iterator[Column]:
    """The columns of every level, from the first on."""
    above = 1
    for order, level in enumerate(trie.levels, 1):
        histories_M, words_M = np.divmod(level.keys_M, len(trie.words))
        fanouts_L = np.bincount(histories_M, minlength=above)
        yield _narrow(fanouts_L)
        yield _differences(words_M, fanouts_L)
        quantised = bits if order > 1 else 0
        yield from _value_columns(level.log10_probs_M, quantised, _PROB_0)
        if order < len(trie.levels):
            yield from _value_columns(level.log10_backoffs_M, quantised, _BACKOFF_0)
        above = len(level.keys_M)


def trie_of(made: Iterator[Column], counts: Sequence[int], words: Sequence[str], *, bits: int) -> tuple[Trie, Errors]:
    """The tree whose levels have ``counts`` entries, from its columns, and for each
    order above the first how far a log-probability, then a back-off weight is at most
    from what it was before quantising.

    Raises:
        BadModel: they are not the columns of a tree.
    """
    above, levels, errors = 1, [], []
    for order, count in enumerate(counts, 1):
        fanouts_L = _taken(made, above).astype(np.int64)
        differences_M = _taken(made, count)
        _check(int(fanouts_L.sum()) == count, f"order {order} has another number of n-grams than its histories begin")
        histories_M = np.repeat(np.arange(above), fanouts_L)
        words_M = _words(differences_M, fanouts_L, histories_M)
        _check(bool((words_M < len(words)).all()), f"order {order} has a word that is not in the vocabulary")
        quantised = bits if order > 1 else 0
        values = [_values(made, count, quantised, zero) for zero in (_PROB_0, _BACKOFF_0)[: 1 + (order < len(counts))]]
        backoffs_M = values[1][0] if order < len(counts) else np.zeros(count, np.float32)
        _check(not np.isnan(backoffs_M).any(), f"a back-off weight of order {order} is not a number")
        levels.append(Level(histories_M * len(words) + words_M, values[0][0], backoffs_M))
        errors.append(tuple(error for _, error in values))
        above = count
    _check(next(made, None) is None, "there are more columns than the orders have")
    return Trie(words, tuple(levels)), tuple(errors[1:]) if bits else ()


_NONE = np.zeros(0, np.uint8)


def _differences(words_M: Places, fanouts_L: Places) -> Column:
    first_M = np.zeros(len(words_M), np.bool_)
    first_M[(np.cumsum(fanouts_L) - fanouts_L)[fanouts_L > 0]] = True
    least_M = np.roll(words_M, 1) + 1
    least_M[first_M] = 0
    return (words_M - least_M).astype(_narrow(words_M).dtype)


def _words(differences_M: Column, fanouts_L: Places, histories_M: Places) -> Places:
    """The words of which these are the differences; so they rise below each history."""
    reached = np.concatenate([[0], np.cumsum(differences_M.astype(np.int64) + 1)])
    base_L = reached[np.cumsum(fanouts_L) - fanouts_L]
    words_M: Places = reached[1:] - 1 - base_L[histories_M]
    return words_M


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
