"""A KenLM trie read as n-grams: plain, quantised, or with compressed pointers.

The n-grams of an order lie one after the other: a word, the logarithms of probability
and back-off weight or their codes, and where its children begin. The child of an n-gram
is an n-gram with one more word before it.

Written from KenLM's description of its own layout (``lm/trie.hh``, ``lm/quantize.hh``,
``lm/bhiksha.hh``, version 0.3.0).

Letters in shapes: V words, M n-grams of an order, k words of each, N of the next order.
"""

from dataclasses import replace

import numpy as np

from nonplus.measure.records import Ints
from nonplus.models.ngram.kenlm.bits import PackedRecords, Pointers, U64s
from nonplus.models.ngram.kenlm.file import ARRAY_TRIE, QUANT_ARRAY_TRIE, KenlmFile, read_words
from nonplus.models.ngram.kenlm.values import values_of
from nonplus.models.ngram.ngrams import Block, NgramsInMemory, WordIds

_UNIGRAM = np.dtype([("log10_prob", "<f4"), ("log10_backoff", "<f4"), ("next", "<u8")])


def read_trie(file: KenlmFile) -> NgramsInMemory:
    """The model of a trie; quantised values are those of their bins.

    Raises:
        BadModel: the file is damaged, or of an unknown version.
    """
    if file.version != 1:
        file.refuse(f"it is a trie of version {file.version}, and only 1 is known; build it again from its ARPA file")
    vocabulary, orders = file.counts[0], len(file.counts)
    values = values_of(file, _values_at(file))
    at = values.end + (vocabulary + 2) * _UNIGRAM.itemsize
    unigrams = file.part(values.end, at - values.end).view(_UNIGRAM)[: vocabulary + 1]
    ids_Mk, next_M = np.arange(vocabulary, dtype=np.int32)[:, None], unigrams["next"].astype(np.int64)
    blocks = [Block(ids_Mk, unigrams["log10_prob"][:-1], unigrams["log10_backoff"][:-1])]
    most_cut, word_bits = _most_cut(file, at), vocabulary.bit_length()
    for k in range(2, orders + 1):
        count, largest = file.counts[k - 1], file.counts[k] if k < orders else 0
        pointers = Pointers.whole(file, at, largest=largest)
        if most_cut is not None and k < orders:
            pointers = Pointers.cut(file, at, records=count, largest=largest, most=most_cut)
        records = PackedRecords(file, pointers.end, count, word_bits + values.bits(k) + pointers.bits)
        ids_Mk = _children(file, ids_Mk, next_M, records.field(0, word_bits))
        blocks.append(Block(ids_Mk, *values.read(records, word_bits, k)))
        at = records.end
        if k < orders:
            next_M = pointers.read(records)
    if any(np.isnan(block.log10_probs_M).any() or not np.isfinite(block.log10_backoffs_M).all() for block in blocks):
        file.refuse("an n-gram has a value that is no number; it is damaged: fetch or build it again")
    return _renumbered(blocks, *read_words(file, at, vocabulary))


def code_bits(file: KenlmFile) -> int:
    """How many bits the code of a probability has; 0 if there are no codes.

    Raises:
        BadModel: the file is damaged.
    """
    return values_of(file, _values_at(file)).code_bits


def _values_at(file: KenlmFile) -> int:
    """The byte after the number of words and their hashes."""
    return file.start + 8 + 8 * file.counts[0]


def _children(file: KenlmFile, ids_Mk: WordIds, next_M: Ints, words_N: U64s) -> WordIds:
    """The n-grams of the next order: its words, each before the n-gram that points to
    it.
    """
    children_M = np.diff(next_M)
    if next_M[0] != 0 or next_M[-1] != len(words_N) or (children_M < 0).any() or (words_N >= file.counts[0]).any():
        file.refuse(f"its n-grams of order {ids_Mk.shape[1] + 1} lead nowhere; it is damaged: fetch or build it again")
    return np.column_stack([words_N.astype(np.int32), np.repeat(ids_Mk, children_M, axis=0)])


def _most_cut(file: KenlmFile, first: int) -> int | None:
    """How many bits of a pointer may be cut; ``None`` if they are never.

    It is said where the records of order 2 begin, if there is an order above it.
    """
    if file.kind not in (ARRAY_TRIE, QUANT_ARRAY_TRIE) or len(file.counts) < 3:
        return None
    version, bits = file.part(first, 2).tolist()
    if version != 0:
        file.refuse(f"its pointers have version {version}, and only 0 is known; build it again from its ARPA file")
    return int(bits)


def _renumbered(blocks: list[Block], words: list[str], numbers_V: WordIds) -> NgramsInMemory:
    """With our word ids in place of KenLM's numbers."""
    ids_of = np.empty(len(words), np.int32)
    ids_of[numbers_V] = np.arange(len(words))
    first, *longer = blocks
    orders = [Block(first.ids_Mk, first.log10_probs_M[numbers_V], first.log10_backoffs_M[numbers_V])]
    orders += [Block(ids_of[block.ids_Mk], block.log10_probs_M, block.log10_backoffs_M) for block in longer]
    # KenLM marks by -0 what no n-gram continues.
    return NgramsInMemory(words, tuple(replace(block, log10_backoffs_M=block.log10_backoffs_M + 0) for block in orders))
