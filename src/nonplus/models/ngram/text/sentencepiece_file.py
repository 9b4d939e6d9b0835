"""A SentencePiece model as the tokenizer of an n-gram model.

It cuts words by themselves if no piece reaches over a blank and a text has the pieces
of its words. Both are checked when it is opened: the first for every piece, the second
for texts made of some of them.
"""

from collections.abc import Sequence
from typing import final

import numpy as np
import sentencepiece

from nonplus.errors import BadModel
from nonplus.kernels.native.unigram import LEFT, UNKNOWN, Ids
from nonplus.measure.records import Ints
from nonplus.models.ngram.text.pieces import BLANKS, Cuts, Strings, in_turn
from nonplus.models.ngram.text.sentencepiece_unigram import unigram_of

_BLANK = "\N{LOWER ONE EIGHTH BLOCK}"  # how SentencePiece writes a blank
_PROBES = 50  # pieces that are tried


@final
class SentencePieceFile:
    """A model of SentencePiece, of any type."""

    kind = "sentencepiece"
    file = "tokenizer.model"
    led = False

    def __init__(self, data: bytes, *, name: str = "the tokenizer's file") -> None:
        """``data`` is the content of the file ``name``.

        Raises:
            BadModel: it is no SentencePiece model.
        """
        self.data = data
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(data)
        except (RuntimeError, ValueError):  # whose messages are lines of its source
            raise BadModel(
                f"{name} is neither a SentencePiece model nor a tokenizer.json; name a file that spm_train or "
                "the package tokenizers wrote"
            ) from None
        by_words = self._reaches_over_none() and self._cuts_at(" ")
        self.blanks = bytes(blank for blank in BLANKS if self._cuts_at(chr(blank))) if by_words else b""
        self._unigram = unigram_of(data)
        size = self._processor.GetPieceSize()
        self._pieces_of_model = [str(piece).encode() for piece in self._processor.IdToPiece(list(range(size)))]

    def cut(self, strings: Strings) -> Cuts:
        """Each of ``strings``, in UTF-8, as pieces."""
        if self._unigram is None:
            return self._by_package(strings)
        number_T, rest_T, count_S = self._unigram.cut(strings.data, strings.stops)
        names = _Names(self._pieces_of_model)
        left_S = count_S == LEFT
        own_S = np.where(left_S, 0, count_S)
        unknown = np.flatnonzero(number_T == UNKNOWN)
        number_T[unknown] = names.numbers(_texts(strings, own_S, rest_T, unknown))
        if left_S.any():
            left = strings.each(np.flatnonzero(left_S))
            others = self._by_package(Strings(b"".join(left), np.cumsum(list(map(len, left)))))
            count_S[left_S] = others.count_S
            left_T = np.repeat(left_S, count_S)
            number_T = in_turn(left_T, names.numbers(others.names)[others.name_T], number_T)
            rest_T = in_turn(left_T, others.rest_T, rest_T)
        return Cuts.numbered(number_T, names.name, rest_T, count_S)

    def _by_package(self, strings: Strings) -> Cuts:
        found = self._processor.Encode(strings.each(), return_type="offset_mapping", num_threads=1)
        return Cuts.of(
            [each["pieces"] for each in found], [[stop for _, stop in each["offsets"]] for each in found], strings
        )

    def spelled(self, pieces: Sequence[str]) -> str:
        """The text that pieces stand for."""
        return "".join(pieces).replace(_BLANK, " ")

    def _pieces(self, text: str) -> list[str]:
        pieces: list[str] = self._processor.Encode(text, return_type=str)
        return pieces

    def _reaches_over_none(self) -> bool:
        """Whether no piece has a blank after another character."""
        ids = range(self._processor.GetPieceSize())
        return not any(_BLANK in self._processor.IdToPiece(i)[1:] for i in ids if not self._processor.IsControl(i))

    def _cuts_at(self, blank: str) -> bool:
        pieces = [self._processor.IdToPiece(i) for i in range(self._processor.GetPieceSize())]
        words = [word for piece in pieces if (word := piece.lstrip(_BLANK)) and not word.startswith("<")][-_PROBES:]
        text = f"{blank}{(2 * blank).join(words)}{blank}"
        return bool(words) and self._pieces(text) == [piece for word in words for piece in self._pieces(word)]


@final
class _Names:
    """The pieces of a model by number, and others after them."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._names, self._others = [*pieces], dict[bytes, int]()

    def numbers(self, others: Sequence[bytes]) -> Ids:
        """The numbers of other pieces, by their names."""
        for name in others:
            if self._others.setdefault(name, len(self._names)) == len(self._names):
                self._names.append(name)
        return np.array([self._others[name] for name in others], np.int32)

    def name(self, number: int) -> bytes:
        """The piece of a number."""
        return self._names[number]


def _texts(strings: Strings, count_S: Ints, rest_T: Ints, at: Ints) -> list[bytes]:
    """What some of the pieces of strings stand for."""
    some_S = count_S > 0
    before_T = np.roll(rest_T, 1)
    before_T[(np.cumsum(count_S) - count_S)[some_S]] = np.diff(strings.stops, prepend=0)[some_S]
    stops = np.repeat(strings.stops, count_S)[at]
    begins, ends = (stops - before_T[at]).tolist(), (stops - rest_T[at]).tolist()
    return [strings.data[begin:end] for begin, end in zip(begins, ends, strict=True)]
