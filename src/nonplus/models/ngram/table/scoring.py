"""N-grams looked up order by order, for all positions at once.

The n-gram that ends at a position is one word longer than one that ends at the position
before it, so an order needs the nodes of the order below and nothing else. No n-gram
is taken to be there because a shorter or a longer one is.

The C kernel (``ngrams.c``) computes the same in the same order, so with the same bits.

Letters in shapes: T tokens, N positions, V words, H words of a history.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Floats, Ints
from nonplus.models.ngram.ngrams import Float32s, WordIds
from nonplus.models.ngram.table.file import Contents
from nonplus.models.ngram.table.keys import Nodes
from nonplus.models.ngram.table.orders import Order, leads_nowhere

_LN10 = math.log(10)
_as_in_c = np.errstate(over="ignore", invalid="ignore")  # a damaged file may hold anything


@final
@dataclass(frozen=True, slots=True)
class Ends:
    """The n-grams of one order that end at N positions: nodes (0: not there, or of no
    consequence for what follows) and the logarithms of their back-off weights.
    """

    nodes_N: Nodes
    backoffs_N: Float32s

    def at(self, places: Any) -> "Ends":
        """Those at some positions."""
        return Ends(self.nodes_N[places], self.backoffs_N[places])


@final
class Longest:
    """The longest n-gram found so far at N positions, the first order at once."""

    def __init__(self, words_V2: Float32s, ids_N: WordIds) -> None:
        self._ids_N = ids_N
        self.probs_N = words_V2[ids_N, 0]
        self.lengths_N = np.ones(len(ids_N), np.uint8)
        self.backoffs_N = np.zeros(len(ids_N))  # of the histories that are longer than its own
        backoffs_N = words_V2[ids_N, 1]
        nodes_N = ids_N.astype(np.uint32) + np.uint32(1)
        self.ends = Ends(np.where(leads_nowhere(backoffs_N), np.uint32(0), nodes_N), backoffs_N)

    def extend(self, k: int, order: Order, histories: Ends) -> None:
        """Look up the n-grams of order ``k``: each word after its history."""
        self.backoffs_N += histories.backoffs_N
        places = np.flatnonzero(histories.nodes_N)
        nodes = order.searched(histories.nodes_N[places], self._ids_N[places])
        places, slots = places[nodes > 0], nodes[nodes > 0] - np.uint32(1)
        probs, backoffs = order.values(slots)
        self.ends = Ends(np.zeros(len(self._ids_N), np.uint32), np.zeros(len(self._ids_N), np.float32))
        self.ends.nodes_N[places] = np.where(leads_nowhere(backoffs), np.uint32(0), slots + np.uint32(1))
        self.ends.backoffs_N[places] = backoffs
        ngrams = ~np.isnan(probs)  # the others are only beginnings of n-grams
        places = places[ngrams]
        self.probs_N[places], self.lengths_N[places], self.backoffs_N[places] = probs[ngrams], k, 0.0

    @property
    def logprobs_N(self) -> Floats:
        """The natural log-probability of each word."""
        logprobs_N: Floats = (self.probs_N + self.backoffs_N) * _LN10
        return logprobs_N


@_as_in_c
def score(table: Contents, ids_T: WordIds, starts: Ints) -> tuple[Floats, NDArray[np.uint8], Float32s]:
    """The surprisal of each token of sentences, the length of its n-gram, the logarithm
    of the back-off weights.
    """
    longest = Longest(table.words_V2, ids_T)
    for k, order in enumerate(table.orders, 2):
        longest.extend(k, order, _one_later(longest.ends, starts))
    return 0.0 - longest.logprobs_N, longest.lengths_N, (longest.backoffs_N * _LN10).astype(np.float32)


def _one_later(ends: Ends, starts: Ints) -> Ends:
    """What ends at the position before each in its sentence."""
    first = starts[:-1][starts[:-1] < starts[-1]]
    nodes_T, backoffs_T = np.roll(ends.nodes_N, 1), np.roll(ends.backoffs_N, 1)
    nodes_T[first], backoffs_T[first] = 0, 0.0
    return Ends(nodes_T, backoffs_T)


@_as_in_c
def distributions(table: Contents, histories: Sequence[WordIds]) -> Floats:
    """The log-probability (M, V) of every word after each history."""
    return np.stack([_distribution(table, history_H) for history_H in histories])


def _distribution(table: Contents, history_H: WordIds) -> Floats:
    words_V = np.arange(len(table.words_V2), dtype=np.int32)
    before, longest = Longest(table.words_V2, history_H), Longest(table.words_V2, words_V)
    for k, order in enumerate(table.orders[: len(history_H)], 2):
        longest.extend(k, order, before.ends.at(np.full(len(words_V), -1)))
        before.extend(k, order, _one_later(before.ends, np.array([0, len(history_H)])))
    return longest.logprobs_N
