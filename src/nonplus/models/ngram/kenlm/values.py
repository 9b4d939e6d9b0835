"""The logarithms in a KenLM trie: whole, or as codes of bins.

Letters in shapes: M n-grams, C codes.
"""

from dataclasses import dataclass
from typing import Protocol, final

import numpy as np

from nonplus.models.ngram.kenlm.bits import PackedRecords
from nonplus.models.ngram.kenlm.file import QUANT_ARRAY_TRIE, QUANT_TRIE, KenlmFile
from nonplus.models.ngram.ngrams import Float32s

_MOST_BITS = 25  # of a code
_SIGN = np.uint32(1 << 31)


class Values(Protocol):
    """The base-10 logarithms of probabilities and back-off weights."""

    @property
    def end(self) -> int:
        """The byte after what they need."""
        ...

    @property
    def code_bits(self) -> int:
        """The bits of a probability's code; 0 if there are no codes."""
        ...

    def bits(self, order: int) -> int:
        """How many bits of an n-gram's record are for them."""
        ...

    def read(self, records: PackedRecords, offset: int, order: int) -> tuple[Float32s, Float32s]:
        """Those of an order, which begin at bit ``offset`` of its records."""
        ...


def values_of(file: KenlmFile, start: int) -> Values:
    """How a trie keeps its values; ``start`` is where tables of bins would be.

    Raises:
        BadModel: their version is unknown, or the file is damaged.
    """
    orders = len(file.counts)
    if file.kind not in (QUANT_TRIE, QUANT_ARRAY_TRIE):
        return _Whole(orders, start)
    version, prob_bits, backoff_bits = file.part(start, 3).tolist()
    if version != 2 or not 1 <= prob_bits <= _MOST_BITS or not 1 <= backoff_bits <= _MOST_BITS:
        file.refuse(
            f"its values have version {version}, {prob_bits} and {backoff_bits} bits, "
            f"where version 2 and 1 to {_MOST_BITS} bits are known; it is damaged: fetch or build it again"
        )
    tables: list[tuple[Float32s, Float32s]] = []
    at = start + 8
    for order in range(2, orders + 1):
        pair = []
        for bits in (prob_bits, backoff_bits if order < orders else 0):
            pair.append(file.part(at, 4 << bits if bits else 0).view("<f4"))
            at += pair[-1].nbytes
        tables.append((pair[0], pair[1]))
    return _Codes(tables, prob_bits, backoff_bits, at)


@final
@dataclass(frozen=True, slots=True)
class _Whole:
    """31 bits of a probability, of which the sign is known, and 32 of a weight."""

    orders: int
    end: int
    code_bits: int = 0

    def bits(self, order: int) -> int:
        return 63 if order < self.orders else 31

    def read(self, records: PackedRecords, offset: int, order: int) -> tuple[Float32s, Float32s]:
        log10_probs_M = (records.field(offset, 31).astype(np.uint32) | _SIGN).view(np.float32)
        if order == self.orders:
            return log10_probs_M, np.zeros(records.count, np.float32)
        return log10_probs_M, records.field(offset + 31, 32).astype(np.uint32).view(np.float32)


@final
@dataclass(frozen=True, slots=True)
class _Codes:
    """The code of a weight, then that of a probability; a table (C,) of each for every
    order above the first.
    """

    tables: list[tuple[Float32s, Float32s]]
    code_bits: int
    backoff_bits: int
    end: int

    def bits(self, order: int) -> int:
        return self.code_bits + (self.backoff_bits if self._weighted(order) else 0)

    def read(self, records: PackedRecords, offset: int, order: int) -> tuple[Float32s, Float32s]:
        probs_C, backoffs_C = self.tables[order - 2]
        if not self._weighted(order):
            codes_M = records.field(offset, self.code_bits).astype(np.int64)
            return probs_C[codes_M], np.zeros(records.count, np.float32)
        codes_M = records.field(offset + self.backoff_bits, self.code_bits).astype(np.int64)
        return probs_C[codes_M], backoffs_C[records.field(offset, self.backoff_bits).astype(np.int64)]

    def _weighted(self, order: int) -> bool:
        return order < len(self.tables) + 1
