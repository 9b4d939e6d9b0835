"""A back-off model ready to score: its n-grams in hash tables, in a file that is mapped
into memory.

The probability of a word after a history is that of the longest n-gram that the model
has, times the back-off weights of the histories that are longer than this n-gram's: the
definition of ARPA files, whichever shorter n-grams the model has.

Letters in shapes: T tokens, S sentences, N positions, M of them at once, V words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.files import replacing, unnamed
from nonplus.kernels.native.ngrams import Tables, available
from nonplus.measure.records import Floats, Ints
from nonplus.models.ngram.ngrams import BEGIN, Block, Float32s, Ngrams, WordIds
from nonplus.models.ngram.table import scoring as table_scoring
from nonplus.models.ngram.table.file import Contents, mapped, opened
from nonplus.models.ngram.table.walking import blocks
from nonplus.models.ngram.table.writing import write_into
from nonplus.threads import processors

_DISTRIBUTIONS = 1 << 26  # bytes of whole distributions at once


@final
@dataclass(frozen=True, slots=True)
class Matches:
    """How each token was scored, given those before it in its sentence.

    ``nats_T`` is the surprisal; ``length_T`` the words of the n-gram that it was scored
    by, itself included; ``backoff_T`` the natural logarithm of the back-off weights.
    The values of ``<s>`` at the beginning of a sentence mean nothing.
    """

    nats_T: Floats
    length_T: NDArray[np.uint8]
    backoff_T: Float32s


def write_table(path: Path, ngrams: Ngrams, *, bits: int = 0, memory: int = 1 << 30) -> None:
    """Write the file of a table; it replaces ``path`` once it is whole.

    Probabilities and back-off weights are kept as they are, or with 2 to 16 ``bits``
    quantised in each order above the first. About ``memory`` bytes are used, beside
    pages of the file itself that the operating system may take back, and as much space
    in the folder of ``path`` as the n-grams need. The bytes do not depend on it, nor on
    the order in which the n-grams of an order come.

    Raises:
        BadModel: the n-grams are no model, or do not fit into a table.
        BadInput: the file cannot be written.
    """
    with replacing(path) as file:
        write_into(file, ngrams, bits=bits, memory=memory, folder=path.parent)


@final
class Table:
    """The n-grams of a model, to be looked up by any number of threads."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._native = Tables(contents.words_V2, contents.orders)

    @classmethod
    def open(cls, path: Path) -> Self:
        """The table of a file that ``write_table`` wrote; of the contents, only what is
        looked up is read.

        Raises:
            BadModel: it is no such file, or a damaged one.
            BadInput: the operating system refuses.
        """
        return cls(opened(path))

    @classmethod
    def in_memory(cls, ngrams: Ngrams, *, bits: int = 0) -> Self:
        """The table of a model, in a file that has no name and goes away with it.

        Raises:
            BadModel: as ``write_table``.
            BadInput: there is no room for such a file.
        """
        with unnamed() as file:
            write_into(file, ngrams, bits=bits, memory=1 << 30, folder=None)
            file.flush()
            return cls(mapped(file, "the table in memory"))

    @property
    def order(self) -> int:
        """The words of the longest n-grams."""
        return len(self._contents.counts)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many n-grams there are of order 1, 2, …"""
        return self._contents.counts

    @property
    def vocabulary(self) -> int:
        """The number of words."""
        return len(self._contents.words_V2)

    @property
    def bits(self) -> int:
        """Bits of each quantised value; 0 if they are as they were."""
        return self._contents.bits

    @property
    def bytes(self) -> int:
        """The size of the file."""
        return self._contents.bytes

    @property
    def errors(self) -> tuple[tuple[float, ...], ...]:
        """For each order above the first, how far the base-10 logarithm of a
        probability, then of a back-off weight, is at most from what it was before
        quantising.
        """
        return tuple(order.errors for order in self._contents.orders)

    def score(self, ids_T: WordIds, starts: Ints) -> Matches:
        """Each token given all that are before it in its sentence; in one thread, since
        a model reads and scores several slices of its texts at once.

        Sentence ``s`` is ``[starts[s], starts[s + 1])``, with ``starts`` (S + 1,).

        Raises:
            BadInput: an id that no word has, or starts that do not cut the tokens.
        """
        self._check(ids_T, starts)
        if available():
            return Matches(*self._native.score(ids_T, starts))
        return Matches(*table_scoring.score(self._contents, ids_T, starts))

    def distributions(self, ids_T: WordIds, starts: Ints, at_N: Ints) -> Iterator[Floats]:
        """Natural log-probabilities (M, V) of every word at the positions ``at_N``,
        given the tokens before them in the sentence; some positions at a time.

        ``<s>`` has none: minus infinity.

        Raises:
            BadInput: as ``score``, or a position outside.
        """
        self._check(ids_T, starts)
        if len(at_N) and not (at_N.min() >= 0 and at_N.max() < len(ids_T)):
            raise BadInput(f"a position is outside of the {len(ids_T)} tokens; give positions from 0")
        sentence_N = np.searchsorted(starts, at_N, side="right") - 1
        first_N = np.maximum(starts[sentence_N], at_N - (self.order - 1))
        rows = max(1, _DISTRIBUTIONS // (8 * self.vocabulary))
        for start in range(0, len(at_N), rows):
            spans = zip(first_N[start : start + rows], at_N[start : start + rows], strict=True)
            histories = [ids_T[first:stop] for first, stop in spans]
            if available():
                result_MV = self._native.distributions(histories, threads=processors())
            else:
                result_MV = table_scoring.distributions(self._contents, histories)
            result_MV[:, BEGIN] = -np.inf
            yield result_MV

    def ngrams(self, words: Sequence[str]) -> "TableNgrams":
        """The model that the table was written from; quantised values are those of
        their bins.

        Raises:
            BadInput: there are not as many words as the table has.
        """
        if len(words) != self.vocabulary:
            raise BadInput(f"the table has {self.vocabulary} words, got {len(words)}; give the words of its model")
        return TableNgrams(words, self._contents)

    def _check(self, ids_T: WordIds, starts: Ints) -> None:
        if len(ids_T) and not (ids_T.min() >= 0 and ids_T.max() < self.vocabulary):
            raise BadInput(f"a token is none of the {self.vocabulary} words; give ids from 0 to {self.vocabulary - 1}")
        if not len(starts) or starts[0] != 0 or starts[-1] != len(ids_T) or (np.diff(starts) < 0).any():
            raise BadInput(f"the starts of sentences must rise from 0 to the {len(ids_T)} tokens, got {starts}")


@final
class TableNgrams:
    """The n-grams of a table with their words, in the order in which they lie there."""

    def __init__(self, words: Sequence[str], contents: Contents) -> None:
        self.words = words
        self.counts = contents.counts
        self._contents = contents

    def blocks(self, order: int) -> Iterator[Block]:
        """The n-grams of that order.

        Raises:
            BadModel: the table is damaged.
        """
        return blocks(self._contents, order)
