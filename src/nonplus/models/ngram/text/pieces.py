"""Pieces of words: a subword tokenizer that is asked once for each word.

A word, here, is what stands between blanks, or that with the blanks before it. Where a
tokenizer cuts every word by itself, its pieces are kept, so that a text costs a look-up
for each word. That is a definition too: a passage has the same pieces wherever it
stands. SentencePiece alone adds up the scores of a whole text in float32, and breaks
ties between two ways to cut a word (``~~ ~`` and ``~ ~~``) by what happened to stand
before it.

Nor is any word longer than ``LONGEST``: one that is, such as a file in base64, is cut
into words of that length, so that it takes no more memory than other text.

Whether a tokenizer cuts words by themselves is decided by who opens it; see there.

Letters in shapes: N bytes, S parts of texts, W words, T pieces.
"""

import re
from array import array
from collections.abc import Mapping, Sequence
from itertools import groupby
from threading import Lock
from typing import Any, final

import numpy as np

from nonplus.kernels.native import words as native
from nonplus.measure.records import Bools, Ints
from nonplus.models.ngram.ngrams import SPECIAL_WORDS, WordIds
from nonplus.models.ngram.normalizers.aligned import Bytes
from nonplus.models.ngram.text.cuts import BLANKS, Cuts, PieceModel, Strings
from nonplus.models.ngram.text.words import Split, Table, Vocabulary, table

LONGEST = 1 << 16  # bytes of a word
# A blank, or what a piece must not begin by itself: see `written`
_ESCAPED = re.compile(rb"[\t\n\v\f\r ]|<(?=\+[0-9A-F]{2}>|empty>)")
_MOST_WORDS = 1 << 20  # that are kept with their pieces: some 100 MB
_MOST_BYTES = 1 << 26  # of them: a text without blanks is one word
_TOGETHER = 1 << 18  # bytes of words that are cut at once, for some tokenizers take 300 times as much memory
_NEW = -1  # a piece that the vocabulary was not asked for yet


@final
class Pieces:
    """The pieces of a tokenizer as the words of a model."""

    def __init__(self, model: PieceModel, vocabulary: Vocabulary) -> None:
        """Pieces have the ids that ``vocabulary`` gives them."""
        self._model, self._vocabulary = model, vocabulary
        self._ids = _Ids(model, vocabulary)
        self._kept = _Kept(model, self._ids)
        self._one_at_a_time = Lock()
        self._uncut = bytes(blank for blank in BLANKS if blank not in model.blanks)

    @property
    def words(self) -> Sequence[str]:
        """The text of each word id; the first three are those of ``SPECIAL_WORDS``."""
        return self._vocabulary.words

    @property
    def files(self) -> Mapping[str, bytes]:
        """The tokenizer's file, by name."""
        return {self._model.file: self._model.data}

    def as_dict(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"kind": self._model.kind, "file": self._model.file}

    def split(self, data_N: Bytes, begin_S: Ints, stop_S: Ints) -> Split:
        """The pieces of parts of normalised texts; parts rise and do not overlap."""
        whole_S = self._whole(data_N, begin_S, stop_S)
        with self._one_at_a_time:
            if not whole_S.any():
                return self._kept.split(data_N, begin_S, stop_S)
            by_words = self._kept.split(data_N, begin_S[~whole_S], stop_S[~whole_S])
            return _merged(whole_S, by_words, self._cut(data_N, begin_S[whole_S], stop_S[whole_S]))

    def decode(self, ids: Sequence[int]) -> str:
        """The text that the pieces stand for, special words as they are written."""
        runs = groupby(ids, lambda i: i < len(SPECIAL_WORDS))
        names = ((special, [self.words[i] for i in run]) for special, run in runs)
        return "".join("".join(own) if special else self._model.spelled(own) for special, own in names)

    def _whole(self, data_N: Bytes, begin_S: Ints, stop_S: Ints) -> Bools:
        """Which parts have a blank at which the tokenizer does not cut."""
        whole_S = np.zeros(len(begin_S), np.bool_)
        if self._model.led:
            return whole_S
        if not self._model.blanks:
            whole_S[:] = True
        elif self._uncut:
            at = np.flatnonzero(np.logical_or.reduce([data_N == blank for blank in self._uncut]))
            part = np.searchsorted(begin_S, at, side="right") - 1
            inside = (part >= 0) & (at < stop_S[part])
            whole_S[part[inside]] = True
        return whole_S

    def _cut(self, data_N: Bytes, begin_S: Ints, stop_S: Ints) -> Split:
        data = data_N.tobytes()
        parts = [data[a:b] for a, b in zip(begin_S.tolist(), stop_S.tolist(), strict=True)]
        cuts = self._model.cut(Strings(b"".join(parts), np.cumsum(stop_S - begin_S)))
        return Split(self._ids.of(cuts), np.repeat(stop_S, cuts.count_S) - cuts.rest_T, cuts.count_S)


@final
class _Ids:
    """The words of pieces, which a vocabulary is asked for once."""

    def __init__(self, model: PieceModel, vocabulary: Vocabulary) -> None:
        self._model, self._vocabulary = model, vocabulary
        self._id_V = np.full(model.size, _NEW, np.int32)

    def of(self, cuts: Cuts) -> WordIds:
        """The word of each piece (T,)."""
        id_V = np.append(self._id_V, np.full(len(cuts.others), _NEW, np.int32))
        ids_T = id_V[cuts.number_T]
        new_T = cuts.number_T[ids_T == _NEW]
        if not len(new_T):
            return ids_T
        numbers, firsts = np.unique(new_T, return_index=True)
        numbers = numbers[np.argsort(firsts)]  # new words have ids in the order of the text
        names = [self._name(number, cuts.others) for number in numbers.tolist()]
        id_V[numbers] = self._vocabulary.ids([written(name) for name in names])
        self._id_V = id_V[: len(self._id_V)]
        return id_V[cuts.number_T]

    def _name(self, number: int, others: Sequence[bytes]) -> bytes:
        own = len(self._id_V)
        return self._model.piece(number) if number < own else others[number - own]


@final
class _Kept:
    """Words with their pieces, at most so many."""

    def __init__(self, model: PieceModel, word_ids: _Ids) -> None:
        self._model, self._word_ids = model, word_ids
        self._forget()

    def _forget(self) -> None:
        self._words: Table = table()
        self._firsts = array("q", [0])  # the first piece of each word, and the end of all
        self._ids = array("i")
        self._before_end = array("q")  # bytes of the word after each piece

    def split(self, data_N: Bytes, begin_S: Ints, stop_S: Ints) -> Split:
        """The pieces of parts, word by word."""
        if len(self._words) > _MOST_WORDS or self._words.size > _MOST_BYTES:
            self._forget()
        known = len(self._firsts) - 1  # fewer than words if cutting some was broken off
        learn = self._words.learn_led if self._model.led else self._words.learn
        number_W, end_W, words_S = learn(data_N, begin_S, stop_S, most=LONGEST)
        for words in Strings(*self._words.joined(known)).some_at_a_time(_TOGETHER):
            self._learn(words)
        kept = (
            np.frombuffer(self._firsts, np.int64),
            np.frombuffer(self._ids, np.int32),
            np.frombuffer(self._before_end, np.int64),
        )
        gather = plain_pieces_of if native.functions() is None else native.pieces_of
        return Split(*gather(number_W, end_W, words_S, *kept))

    def _learn(self, words: Strings) -> None:
        cuts = self._model.cut(words)
        for column in (self._ids, self._before_end):
            del column[self._firsts[-1] :]  # of words whose learning was broken off
        self._ids.frombytes(self._word_ids.of(cuts).tobytes())
        self._before_end.frombytes(cuts.rest_T.astype(np.int64, copy=False).tobytes())
        self._firsts.frombytes((self._firsts[-1] + np.cumsum(cuts.count_S)).tobytes())


def plain_pieces_of(
    number_W: WordIds, end_W: Ints, words_S: Ints, first_V: Ints, piece_P: WordIds, before_end_P: Ints
) -> tuple[WordIds, Ints, Ints]:
    """:func:`nonplus.kernels.native.words.pieces_of` in NumPy."""
    count_W = first_V[number_W + 1] - first_V[number_W]
    done_W1 = np.concatenate([[0], np.cumsum(count_W)])
    at_T = np.arange(done_W1[-1]) + np.repeat(first_V[number_W] - done_W1[:-1], count_W)
    counts_S = np.diff(done_W1[np.concatenate([[0], np.cumsum(words_S)])])
    return piece_P[at_T], np.repeat(end_W, count_W) - before_end_P[at_T], counts_S


def _merged(whole_S: Bools, by_words: Split, whole: Split) -> Split:
    """Two kinds of parts in the order of the parts."""
    counts_S = np.empty(len(whole_S), np.int64)
    counts_S[~whole_S], counts_S[whole_S] = by_words.counts_S, whole.counts_S
    of_T = np.repeat(whole_S, counts_S)
    ids_T, stops_T = np.empty(len(of_T), np.int32), np.empty(len(of_T), np.int64)
    for kind_T, split in ((~of_T, by_words), (of_T, whole)):
        ids_T[kind_T], stops_T[kind_T] = split.ids_T, split.stops_T
    return Split(ids_T, stops_T, counts_S)


def written(piece: bytes) -> bytes:
    """A piece as a word, in which an ARPA file allows no blank; another for each piece.

    A blank is written ``<+20>``, by its byte, and so is the ``<`` of a piece that would
    look like one, or like the empty one. SentencePiece's ``<0x20>`` is another piece.
    """
    return _ESCAPED.sub(lambda found: b"<+%02X>" % found[0][0], piece) or b"<empty>"
