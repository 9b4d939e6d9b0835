"""A text's n-grams in parts that fit into the memory.

A part has the n-grams whose context ends with one of its words. So it has all that
begin with a context, and all that extend one of its n-grams to the left, and counts and
probabilities of orders from 2 on need no other part.

A word that alone would be too much is a part that heads others: it has the n-grams
whose context is that word, and the others, by the word before it, have those with
longer contexts. So again with two words, and more.

Letters in shapes: V words, D digits, C contexts.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np

from nonplus.kernels.native.counting import Part
from nonplus.measure.records import Ints
from nonplus.models.ngram.ngrams import BEGIN, END
from nonplus.models.ngram.training.counting import EDGE

_BEGIN = BEGIN + 1  # as a digit

Before = Callable[[tuple[int, ...]], Ints]


@final
@dataclass(frozen=True, slots=True)
class Partition:
    """The n-grams of a part; the orders below the first are those of its heads.

    ``sizes`` says how many have each digit of the part. One that ``heads`` others has
    one order and one context, and those with longer contexts follow it.
    """

    number: int
    part: Part
    sizes: Ints
    last: int
    heads: bool

    @property
    def name(self) -> str:
        """Its number, as in the names of its files."""
        return f"{self.number:05}"

    @property
    def first(self) -> int:
        """Its first order."""
        return len(self.part.suffix) + 2

    @property
    def orders(self) -> range:
        """Those that it has n-grams of."""
        return range(self.first, self.last + 1)

    @property
    def context(self) -> tuple[int, ...]:
        """The only context of a head, as digits from its last word back."""
        return (*self.part.suffix, self.part.low)


def partitions(counts_V: Ints, before: Before, *, order: int, most: int) -> list[Partition]:
    """All n-grams, in parts of at most ``most`` occurrences where they are not all of
    one context; in the order of their contexts.

    ``before(context)`` says how often each digit comes before it.
    """
    found = _parts((), np.concatenate([[0], contexts(counts_V)]), before, order, most)
    return [Partition(number, *each) for number, each in enumerate(found)]


def _parts(
    suffix: tuple[int, ...], size_D: Ints, before: Before, order: int, most: int
) -> Iterator[tuple[Part, Ints, int, bool]]:
    low = EDGE if suffix else EDGE + 1
    ends = [low]
    total = 0
    for digit, size in enumerate(size_D[low:].tolist(), low):
        if total and total + size > most:
            ends.append(digit)
            total = 0
        total += size
    ends.append(len(size_D))
    for low, high in pairwise(ends):
        low += int(np.argmax(size_D[low:high] > 0))  # a digit of no context stands in nobody's way
        part, sizes = Part(suffix, low, high), size_D[low:high]
        divisible = len(suffix) < order - 2 and low not in (EDGE, _BEGIN)
        if sizes.sum() > most and high == low + 1 and divisible:
            yield part, sizes, len(suffix) + 2, True
            yield from _parts((*suffix, low), before((*suffix, low)), before, order, most)
        else:
            yield part, sizes, order, False


def contexts(counts_V: Ints) -> Ints:
    """How often each word is the last of a context: nothing follows ``</s>``."""
    sizes_V = counts_V.copy()
    sizes_V[END] = 0
    return np.asarray(sizes_V)


def below(head: Partition, others: Sequence[Partition]) -> list[Partition]:
    """The parts whose contexts are the head's with one more word before it."""
    return [each for each in others if each.part.suffix == head.context]


def owners(column_Cs: Sequence[Ints], others: Sequence[Partition], *, order: int, depth: int = 0) -> Ints:
    """The number of the part that has each n-gram of one order.

    ``column_Cs`` are the digits of the n-grams' contexts, the last one first; the
    n-grams agree in the first ``depth`` of them.
    """
    digit_C = column_Cs[depth]
    if not len(digit_C):
        return np.array((), np.int64)
    suffix = tuple(int(each[0]) for each in column_Cs[:depth])
    mine = [each for each in others if each.part.suffix == suffix]
    at_C = np.searchsorted([each.part.low for each in mine], digit_C, side="right") - 1
    found_C = np.array([each.number for each in mine], np.int64)[at_C]
    for at, head in enumerate(mine):
        if head.last < order:
            inside = np.flatnonzero(at_C == at)
            found_C[inside] = owners([each[inside] for each in column_Cs], others, order=order, depth=depth + 1)
    return found_C
