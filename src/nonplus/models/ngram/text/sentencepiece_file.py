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
from nonplus.kernels.native.unigram import LEFT, Ids
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

    def cut(self, strings: Strings) -> Cuts:
        """Each of ``strings``, in UTF-8, as pieces."""
        if self._unigram is None:
            return self._by_package(strings)
        number_T, rest_T, count_S = self._unigram.cut(strings.data, strings.stops)
        names: list[bytes] = []
        if (left_S := count_S == LEFT).any():
            left = strings.each(np.flatnonzero(left_S))
            others = self._by_package(Strings(b"".join(left), np.cumsum(list(map(len, left)))))
            names, count_S[left_S] = list(others.names), others.count_S
            left_T = np.repeat(left_S, count_S)
            number_T = in_turn(left_T, self._numbers(names)[others.name_T], number_T)
            rest_T = in_turn(left_T, others.rest_T, rest_T)
        return Cuts.numbered(number_T, lambda number: self._name(number, names), rest_T, count_S)

    def _numbers(self, names: Sequence[bytes]) -> Ids:
        """Of pieces of the model its own, of others those after them."""
        size, unknown = self._processor.GetPieceSize(), self._processor.unk_id()
        own = self._processor.PieceToId([name.decode() for name in names])
        return np.array([size + at if i == unknown else i for at, i in enumerate(own)], np.int32)

    def _name(self, number: int, others: Sequence[bytes]) -> bytes:
        size = self._processor.GetPieceSize()
        return others[number - size] if number >= size else str(self._processor.IdToPiece(number)).encode()

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
