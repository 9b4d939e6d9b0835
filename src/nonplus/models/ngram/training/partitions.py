"""A text's n-grams in parts that fit into the memory.

A part has the n-grams whose context ends with one of its words. So it has all that
begin with a context, and all that extend one of its n-grams to the left, and counts and
probabilities of orders from 2 on need no other part.

Letters in shapes: V words.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from nonplus.measure.records import Ints
from nonplus.models.ngram.ngrams import END


class Partition(NamedTuple):
    """The words from ``low`` up to ``high``, and how many n-grams have them there."""

    number: int
    low: int
    high: int

    @property
    def name(self) -> str:
        """Its number, as in the names of its files."""
        return f"{self.number:05}"


def partitions(counts_V: Ints, most: int) -> list[Partition]:
    """All words, in ranges of at most ``most`` occurrences, or of one word."""
    sizes_V = contexts(counts_V)
    ends, total = [0], 0
    for word, size in enumerate(sizes_V.tolist()):
        if total and total + size > most:
            ends.append(word)
            total = 0
        total += size
    ends.append(len(counts_V))
    return [Partition(number, low, high) for number, (low, high) in enumerate(pairwise(ends))]


def contexts(counts_V: Ints) -> Ints:
    """How often each word is the last of a context: nothing follows ``</s>``."""
    sizes_V = counts_V.copy()
    sizes_V[END] = 0
    return np.asarray(sizes_V)
