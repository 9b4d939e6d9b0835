"""An n-gram model in a file of another tool; the content tells which, not the name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from nonplus.files import reading
from nonplus.models.ngram.arpa.reading import read_arpa
from nonplus.models.ngram.kenlm.file import PROBING, TRIES, KenlmFile, is_kenlm, read_head
from nonplus.models.ngram.kenlm.probing import ProbingTable
from nonplus.models.ngram.kenlm.trie import code_bits, read_trie
from nonplus.models.ngram.ngrams import NgramsInMemory
from nonplus.models.ngram.table.table import Table

_HEAD = 64  # bytes that tell


@final
@dataclass(frozen=True, slots=True)
class Outline:
    """What a file holds: its format, how many n-grams of order 1, 2, …, and words; the
    bits of a quantised probability, 0 if they are whole.
    """

    kind: str
    counts: tuple[int, ...]
    vocabulary: int
    bits: int = 0


def read_ngrams(path: Path) -> NgramsInMemory:
    """The n-grams of an ARPA file or of a KenLM trie.

    Raises:
        BadModel: it is neither, or damaged; or it is a KenLM file with hash tables,
            which do not hold the words of an n-gram.
        BadInput: the operating system refuses.
        MissingExtra: it is compressed with zstd and zstandard is not installed.
    """
    return _listed(read_head(path)) if _is_kenlm(path) else read_arpa(path)


def open_lookup(path: Path) -> tuple[Sequence[str], Table | ProbingTable]:
    """The words of a model in the order of their ids, and what scores them.

    Raises:
        BadModel: it is neither an ARPA file nor a KenLM binary, or damaged.
        BadInput: the operating system refuses.
        MissingExtra: it is compressed with zstd and zstandard is not installed.
    """
    if _is_kenlm(path) and (file := read_head(path)).kind == PROBING:
        table = ProbingTable(file)
        return table.words, table
    ngrams = read_ngrams(path)
    return ngrams.words, Table.in_memory(ngrams)


def outline(path: Path) -> Outline:
    """What the file holds.

    Raises:
        BadModel: it is neither an ARPA file nor a KenLM binary, or damaged.
        BadInput: the operating system refuses.
        MissingExtra: it is compressed with zstd and zstandard is not installed.
    """
    if not _is_kenlm(path):
        ngrams = read_arpa(path)
        return Outline("ARPA", ngrams.counts, len(ngrams.words))
    file = read_head(path)
    if file.kind == PROBING:
        return Outline("KenLM, hash tables", file.counts, ProbingTable(file).vocabulary)
    return Outline("KenLM, trie", file.counts, len(_listed(file).words), code_bits(file))


def _listed(file: KenlmFile) -> NgramsInMemory:
    if file.kind in TRIES:
        return read_trie(file)
    if file.kind == PROBING:
        file.refuse(
            "KenLM's hash tables hold no words, so their n-grams can be scored but not listed; "
            "give its ARPA file, or a trie of build_binary"
        )
    file.refuse(f"it is of kind {file.kind}, which is not read; build it again without rest costs (-r)")


def _is_kenlm(path: Path) -> bool:
    with reading(path), path.open("rb") as file:
        return is_kenlm(file.read(_HEAD))
