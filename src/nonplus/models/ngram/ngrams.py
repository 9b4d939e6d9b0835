"""An n-gram model as every reader gives it and every writer takes it: its words, and
its n-grams order by order.

Letters in shapes: M n-grams of one order, k words of each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

WordIds = NDArray[np.int32]
Float32s = NDArray[np.float32]

UNKNOWN, BEGIN, END = 0, 1, 2  # the ids of <unk>, <s> and </s> in every model
SPECIAL_WORDS = ("<unk>", "<s>", "</s>")


@final
@dataclass(frozen=True, slots=True)
class Block:
    """Some n-grams of one order.

    ``ids_Mk`` are their words, the oldest first; ``log10_probs_M`` the base-10
    logarithm of the probability of the last word after the others; ``log10_backoffs_M``
    that of the back-off weight, 0 where there is none. Base 10 and float32 are what
    ARPA files and KenLM have, so that nothing is lost between formats.
    """

    ids_Mk: WordIds
    log10_probs_M: Float32s
    log10_backoffs_M: Float32s


class Ngrams(Protocol):
    """A back-off model as a stream, which may be larger than the memory."""

    @property
    def words(self) -> Sequence[str]:
        """The text of each word id; the first three are those of ``SPECIAL_WORDS``."""
        ...

    @property
    def counts(self) -> tuple[int, ...]:
        """How many n-grams there are of order 1, 2, …"""
        ...

    def blocks(self, order: int) -> Iterator[Block]:
        """The n-grams of that order in blocks; it can be called again.

        Order 1 comes in the order of the word ids, each once.
        """
        ...


@final
@dataclass(frozen=True, slots=True)
class NgramsInMemory:
    """A model whose n-grams are at hand, one block for each order."""

    words: Sequence[str]
    orders: tuple[Block, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """How many n-grams there are of order 1, 2, …"""
        return tuple(len(block.ids_Mk) for block in self.orders)

    def blocks(self, order: int) -> Iterator[Block]:
        """The n-grams of that order, as one block."""
        yield self.orders[order - 1]
