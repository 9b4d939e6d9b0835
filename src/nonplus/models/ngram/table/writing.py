"""A table written order by order, in bounded memory.

The n-grams of an order are looked up by their histories in the orders below, which
gives their keys, and those their slots. So the bytes depend on the model only.

Letters in shapes: V words, M n-grams, k words of each, S slots, B bytes of a slot.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, final

import numpy as np

from nonplus.errors import BadModel
from nonplus.models.ngram.ngrams import SPECIAL_WORDS, Block, Float32s, Ngrams, WordIds
from nonplus.models.ngram.quantizing import check_bits
from nonplus.models.ngram.table.file import ALIGNMENT, HEADER, MAX_ORDER, RECORD, file_header
from nonplus.models.ngram.table.keys import MAX_SLOTS, Nodes, key_bytes, scattered
from nonplus.models.ngram.table.orders import PADDING, Order
from nonplus.models.ngram.table.placing import placed
from nonplus.models.ngram.table.sorting import Sorter
from nonplus.models.ngram.table.values import Encoding, mark_words_continued
from nonplus.models.ngram.table.written import Mapping, WrittenOrder

_ROW = 256  # bytes of memory for an n-gram while it is looked up
_PARTS = 4  # of the memory; one is for an order that is looked up


def write_into(file: IO[bytes], ngrams: Ngrams, *, bits: int, memory: int, folder: Path | None) -> None:
    """Write a table; what does not fit into ``memory`` bytes is sorted in ``folder``.

    Raises:
        BadModel: the n-grams are not a model, or do not fit into a table.
        BadProtocol: ``bits`` is neither 0 nor between 2 and 16.
    """
    orders, words = len(ngrams.counts), len(ngrams.words)
    if not 1 <= orders <= MAX_ORDER:
        raise BadModel(f"a table holds n-grams of order 1 to {MAX_ORDER}, and the model has order {orders}")
    check_bits(bits)
    if ngrams.counts[0] != words or not len(SPECIAL_WORDS) <= words < 1 << 31:
        raise BadModel(f"the model has {ngrams.counts[0]} n-grams of order 1 and {words} words; give it one a word")
    writer = _Writer(file, ngrams, bits=bits, memory=memory, folder=folder)
    writer.write_words()
    order = 2
    while order <= orders:
        lacking = writer.write_order(order)
        order = writer.add(lacking) if lacking else order + 1
    writer.write_header()


@final
class _Writer:
    def __init__(self, file: IO[bytes], ngrams: Ngrams, *, bits: int, memory: int, folder: Path | None) -> None:
        self._file, self._ngrams = file, ngrams
        self._bits, self._memory, self._folder = bits, memory, folder
        self._vocabulary, self._counts = len(ngrams.words), ngrams.counts
        self._records = np.zeros(len(self._counts), RECORD)
        self._orders: list[WrittenOrder] = []
        self._words_V2 = np.empty((0, 2), np.float32)
        # by order, histories that are no n-grams although there are n-grams after them
        self._lacking = [np.empty((0, k), np.int32) for k in range(len(self._counts) + 1)]
        self._starts: list[int] = []  # of the orders above the first

    def write_words(self) -> None:
        start = -(-(HEADER.itemsize + self._records.nbytes) // ALIGNMENT) * ALIGNMENT
        self._file.seek(start)
        done = 0
        for block in self._blocks(1):
            if not np.array_equal(block.ids_Mk[:, 0], np.arange(done, done + len(block.ids_Mk))):
                raise BadModel("the n-grams of order 1 are not in the order of the word ids, each once")
            pairs_M2 = np.stack([block.log10_probs_M, block.log10_backoffs_M], axis=1)
            self._file.write(pairs_M2.astype("<f4").tobytes())
            done += len(pairs_M2)
        self._records[0] = (done, 0, 0, (0, 0), 0, start)
        self._words_V2 = Mapping(self._file, start, 8 * done).content.view("<f4").reshape(-1, 2)

    def write_order(self, k: int) -> list[WordIds]:
        """Write an order, or give the histories that it lacks below."""
        below = self._orders[k - 3].order.slots if k > 2 else self._vocabulary
        size = key_bytes(self._vocabulary, below)
        count = self._counts[k - 1] + len(self._lacking[k])
        if size > 8 or count > MAX_SLOTS // 2:
            raise BadModel(
                f"{count} n-grams of order {k} with {self._vocabulary} words are too many for a table; prune"
            )
        lacking: list[WordIds] = []
        with closing(Sorter(count, size=size, memory=self._memory, folder=self._folder)) as sorter:
            for block in self._blocks(k):
                nodes_M = self._histories(block.ids_Mk, lacking)
                if lacking:
                    continue
                self._mark(k, nodes_M)
                keys_M = scattered(nodes_M, block.ids_Mk[:, -1], vocabulary=self._vocabulary, size=size)
                sorter.add(keys_M, block.log10_probs_M, block.log10_backoffs_M)
            if not lacking:
                encoding = Encoding(partial(self._blocks, k), self._bits, has_backoffs=k < len(self._records))
                self._write_slots(k, sorter, encoding, homes=count * 3 // 2 + 1, size=size)
        return lacking

    def add(self, lacking: list[WordIds]) -> int:
        """Note histories that are lacking; the result is the lowest order of them."""
        for ids_Mk in lacking:
            k = ids_Mk.shape[1]
            self._lacking[k] = np.unique(np.concatenate([self._lacking[k], ids_Mk]), axis=0)
        lowest: int = min(ids_Mk.shape[1] for ids_Mk in lacking)
        self._file.truncate(self._starts[lowest - 2])
        del self._orders[lowest - 2 :], self._starts[lowest - 2 :]
        return lowest

    def write_header(self) -> None:
        self._file.seek(0)
        self._file.write(file_header(self._records, bits=self._bits, vocabulary=self._vocabulary))

    def _blocks(self, k: int) -> Iterator[Block]:
        """The n-grams of an order, checked, a moderate number at a time; then the
        histories that are lacking, with probability NaN.
        """
        rows = max(1024, self._memory // _ROW)
        done = 0
        for block in self._ngrams.blocks(k):
            for start in range(0, len(block.ids_Mk), rows):
                part = slice(start, start + rows)
                piece = Block(block.ids_Mk[part], block.log10_probs_M[part], block.log10_backoffs_M[part])
                self._check(piece, k)
                done += len(piece.ids_Mk)
                yield replace(piece, log10_backoffs_M=_zeros_marked(piece.log10_backoffs_M))
        if done != self._counts[k - 1]:
            raise BadModel(f"the model says {self._counts[k - 1]} n-grams of order {k} and gives {done}")
        absent = self._lacking[k]
        if len(absent):
            yield Block(absent, np.full(len(absent), np.nan, np.float32), np.full(len(absent), -0.0, np.float32))

    def _check(self, block: Block, k: int) -> None:
        if block.ids_Mk.shape[1:] != (k,) or block.ids_Mk.min() < 0 or block.ids_Mk.max() >= self._vocabulary:
            raise BadModel(f"an n-gram of order {k} has other than {k} words from 0 to {self._vocabulary - 1}")
        values = np.concatenate([block.log10_probs_M, block.log10_backoffs_M])
        allowed = np.isfinite(values) if self._bits else values < np.inf
        if not allowed.all():
            raise BadModel(f"an n-gram of order {k} has the logarithm {values[~allowed][0]}; give finite numbers")

    def _histories(self, ids_Mk: WordIds, lacking: list[WordIds]) -> Nodes:
        """The node of all words but the last; those that are not there go to
        ``lacking``.
        """
        nodes_M = ids_Mk[:, 0].astype(np.uint32) + np.uint32(1)
        there_M = np.ones(len(ids_Mk), np.bool_)
        for length in range(2, ids_Mk.shape[1]):
            nodes_M = self._orders[length - 2].found(nodes_M, ids_Mk[:, length - 1], room=self._room)
            absent_M = there_M & (nodes_M == 0)
            if absent_M.any():
                lacking.append(np.unique(ids_Mk[absent_M, :length], axis=0))
                there_M &= ~absent_M
        return nodes_M

    @property
    def _room(self) -> int:
        """How many bytes of an order may be in memory at once: all of it, if there is
        room for all orders.
        """
        size = sum(each.order.content.nbytes for each in self._orders)
        return size if size <= self._memory else self._memory // _PARTS

    def _mark(self, k: int, nodes_M: Nodes) -> None:
        first_M = np.ones(len(nodes_M), np.bool_)  # of some with the same history
        first_M[1:] = nodes_M[1:] != nodes_M[:-1]
        slots_M = nodes_M[first_M] - np.uint32(1)
        if k == 2:
            mark_words_continued(self._words_V2, slots_M)
        else:
            self._orders[k - 3].mark(slots_M, room=self._room)

    def _write_slots(self, k: int, sorter: Sorter, encoding: Encoding, *, homes: int, size: int) -> None:
        codes_at = self._begin()
        self._starts.append(codes_at)
        for codes_C in encoding.codes:
            self._file.write(codes_C.tobytes())
        slots_at = self._begin()
        free, stride = 0, size + encoding.value_bytes
        sizes = {"homes": homes, "key_bytes": size, "value_bytes": encoding.value_bytes}
        for entries_N in sorter.parts():
            keys_N, values_N = entries_N["key"], encoding.values(entries_N)
            rows_SB = placed(keys_N, values_N, free=free, **sizes)
            if rows_SB is None:
                raise BadModel(f"the model has an n-gram of order {k} twice; remove one of them")
            self._file.write(rows_SB.data)
            free += len(rows_SB)
        slots = max(free, homes)
        self._file.write(bytes((slots - free) * stride + PADDING))
        errors = (*encoding.errors, 0, 0)[:2]
        self._records[k - 1] = (self._counts[k - 1], slots, homes, errors, codes_at, slots_at)
        mapping = Mapping(self._file, slots_at, slots * stride + PADDING)
        order = Order(
            content=mapping.content,
            slots=slots,
            homes=homes,
            vocabulary=self._vocabulary,
            key_bytes=size,
            value_bytes=encoding.value_bytes,
            bits=self._bits,
            has_backoffs=encoding.has_backoffs,
            codes=encoding.codes,
            errors=encoding.errors,
        )
        self._orders.append(WrittenOrder(order, mapping))

    def _begin(self) -> int:
        """Where the next part begins: the file is filled up to there."""
        end = self._file.seek(0, 2)
        self._file.write(bytes(-end % ALIGNMENT))
        return end + -end % ALIGNMENT


def _zeros_marked(backoffs_M: Float32s) -> Float32s:
    """Zeros become -0, which stands until their n-grams turn out to be continued."""
    return np.where(backoffs_M == 0, np.float32(-0.0), backoffs_M)
