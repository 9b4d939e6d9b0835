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
from nonplus.kernels.native.cutting import LEFT
from nonplus.kernels.native.unigram import UNKNOWN
from nonplus.measure.records import Ints
from nonplus.models.ngram.text.cuts import BLANKS, Cuts, Others, Strings, in_turn
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
        self.size = int(self._processor.GetPieceSize())
        pieces: list[str] = self._processor.IdToPiece(list(range(self.size)))
        words = [word for piece in pieces if (word := piece.lstrip(_BLANK)) and not word.startswith("<")][-_PROBES:]
        by_words = self._reaches_over_none(pieces) and self._cuts_at(" ", words)
        self.blanks = bytes(blank for blank in BLANKS if self._cuts_at(chr(blank), words)) if by_words else b""
        self._unigram = unigram_of(data)

    def cut(self, strings: Strings) -> Cuts:
        """Each of ``strings``, in UTF-8, as pieces."""
        if self._unigram is None:
            return self._by_package(strings)
        number_T, rest_T, count_S = self._unigram.cut(strings.data, strings.stops)
        others = Others(self.size)
        left_S = count_S == LEFT
        own_S = np.where(left_S, 0, count_S)
        unknown = np.flatnonzero(number_T == UNKNOWN)
        number_T[unknown] = others.numbers(_texts(strings, own_S, rest_T, unknown))
        if left_S.any():
            left = strings.each(np.flatnonzero(left_S))
            by_package = self._by_package(Strings(b"".join(left), np.cumsum(list(map(len, left)))))
            count_S[left_S] = by_package.count_S
            left_T = np.repeat(left_S, count_S)
            left_number_T = others.numbers(by_package.others)[by_package.number_T - self.size]
            number_T = in_turn(left_T, left_number_T, number_T)
            rest_T = in_turn(left_T, by_package.rest_T, rest_T)
        return Cuts(number_T, rest_T, count_S, others.names)

    def piece(self, number: int) -> bytes:
        """The piece of a number of the model."""
        return str(self._processor.IdToPiece(number)).encode()

    def _by_package(self, strings: Strings) -> Cuts:
        found = self._processor.Encode(strings.each(), return_type="offset_mapping", num_threads=1)
        stops = [[stop for _, stop in each["offsets"]] for each in found]
        return Cuts.of([each["pieces"] for each in found], stops, strings, size=self.size)

    def spelled(self, pieces: Sequence[str]) -> str:
        """The text that pieces stand for."""
        return "".join(pieces).replace(_BLANK, " ")

    def _pieces(self, text: str) -> list[str]:
        pieces: list[str] = self._processor.Encode(text, return_type=str)
        return pieces

    def _reaches_over_none(self, pieces: Sequence[str]) -> bool:
        """Whether no piece has a blank after another character."""
        return not any(_BLANK in piece[1:] and not self._processor.IsControl(i) for i, piece in enumerate(pieces))

    def _cuts_at(self, blank: str, words: Sequence[str]) -> bool:
        text = f"{blank}{(2 * blank).join(words)}{blank}"
        return bool(words) and self._pieces(text) == [piece for word in words for piece in self._pieces(word)]


def _texts(strings: Strings, count_S: Ints, rest_T: Ints, at: Ints) -> list[bytes]:
    """What some of the pieces of strings stand for."""
    some_S = count_S > 0
    before_T = np.roll(rest_T, 1)
    before_T[(np.cumsum(count_S) - count_S)[some_S]] = np.diff(strings.stops, prepend=0)[some_S]
    stops = np.repeat(strings.stops, count_S)[at]
    begins, ends = (stops - before_T[at]).tolist(), (stops - rest_T[at]).tolist()
    return [strings.data[begin:end] for begin, end in zip(begins, ends, strict=True)]
