"""Records packed in bits, as KenLM keeps the n-grams of an order in a trie.

Letters in shapes: M records.
"""

from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Ints
from nonplus.models.ngram.kenlm.file import KenlmFile

U64s = NDArray[np.uint64]

_WIDEST = 57  # bits of a field, which then lies within 8 bytes


@final
@dataclass(frozen=True, slots=True)
class PackedRecords:
    """``count`` records of ``width`` bits from byte ``start`` on, and one more."""

    file: KenlmFile
    start: int
    count: int
    width: int

    @property
    def end(self) -> int:
        """The byte after them."""
        return self.start + ((1 + self.count) * self.width + 7) // 8 + 8

    def field(self, offset: int, bits: int, *, extra: int = 0) -> U64s:
        """Some bits of every record, and of ``extra`` more.

        Raises:
            BadModel: the file ends before, or the field is wider than any.
        """
        if bits > _WIDEST:
            self.file.refuse(f"its head asks for a number of {bits} bits; it is damaged: fetch or build it again")
        content = self.file.part(self.start, self.end - self.start)
        words = np.ndarray((len(content) - 7,), "<u8", content, 0, (1,))
        at_M = np.arange(self.count + extra, dtype=np.int64) * self.width + offset
        field_M: U64s = words[at_M >> 3] >> (at_M & 7).astype(np.uint64) & np.uint64((1 << bits) - 1)
        return field_M


@final
@dataclass(frozen=True, slots=True)
class Pointers:
    """How records point to the next order: by ``bits`` in each of them. Higher bits, if
    there are any, grow by one at the records that a list of ``listed`` numbers names.
    """

    file: KenlmFile
    start: int
    bits: int
    listed: int

    @classmethod
    def whole(cls, file: KenlmFile, start: int, *, largest: int) -> Self:
        """Pointers up to ``largest``, each whole in its record."""
        return cls(file, start, largest.bit_length(), 0)

    @classmethod
    def cut(cls, file: KenlmFile, start: int, *, records: int, largest: int, most: int) -> Self:
        """The same, of which at most ``most`` bits are cut: so many as save most."""
        whole = largest.bit_length()
        saved = [(records + 1) * bits - 64 * (largest >> (whole - bits)) for bits in range(min(whole, most) + 1)]
        bits = saved.index(max(saved))
        return cls(file, start, whole - bits, (largest >> (whole - bits)) + 1)

    @property
    def end(self) -> int:
        """The byte where the records begin."""
        return self.start + (8 * (1 + self.listed) + 7 if self.listed else 0)

    def read(self, records: PackedRecords) -> Ints:
        """Where the children of each record begin, and where those of the last end."""
        low_M = records.field(records.width - self.bits, self.bits, extra=1).astype(np.int64)
        if not self.listed:
            return low_M
        aligned = -(-self.start // 8) * 8 + 8
        list_ = self.file.part(aligned, 8 * self.listed).view("<u8")
        high_M = np.searchsorted(list_, np.arange(records.count + 1, dtype=np.uint64), side="right") - 1
        return (high_M << self.bits) | low_M
