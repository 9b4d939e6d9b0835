"""The n-grams of a bundle: in hash tables, which are mapped into memory, or packed, a
third of the size, which is unpacked into such tables.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import final

from nonplus.errors import BadModel
from nonplus.models.ngram.ngrams import Ngrams
from nonplus.models.ngram.packed.columns import Errors
from nonplus.models.ngram.packed.file import read_packed, write_packed
from nonplus.models.ngram.table.table import Table, write_table

TABLE, PACKED = "ngrams.table", "ngrams.packed"


@final
@dataclass(frozen=True, slots=True)
class Stored:
    """The n-grams of a file, ready for scoring and as a stream.

    ``bits`` are those of quantised values, 0 if they are as they were. ``errors`` tells
    for each order above the first how far a base-10 log-probability, then a back-off
    weight, is at most from what it was before quantising.
    """

    table: Table
    ngrams: Ngrams
    bits: int
    errors: Errors


def write_stored(folder: Path, ngrams: Ngrams, *, packed: bool, bits: int, memory: int) -> str:
    """Write the file, and return its name.

    Raises:
        BadInput: it cannot be written.
        BadModel: the n-grams are no model.
    """
    if packed:
        write_packed(folder / PACKED, ngrams, bits=bits)
        return PACKED
    write_table(folder / TABLE, ngrams, bits=bits, memory=memory)
    return TABLE


def open_stored(path: Path, words: list[str]) -> Stored:
    """The n-grams of a file that ``write_stored`` wrote.

    Raises:
        BadInput: the operating system refuses.
        BadModel: it is no such file, or a damaged one, or has other words.
    """
    if path.name == PACKED:
        packed = read_packed(path, words)
        return Stored(Table.in_memory(packed.ngrams), packed.ngrams, packed.bits, packed.errors)
    table = Table.open(path)
    if table.vocabulary != len(words):
        raise BadModel(f"{path} has {table.vocabulary} words, and the bundle {len(words)}; copy the whole bundle again")
    return Stored(table, table.ngrams(words), table.bits, table.errors)
