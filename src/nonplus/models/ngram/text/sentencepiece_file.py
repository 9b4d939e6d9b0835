"""A SentencePiece model as the tokenizer of an n-gram model.

It cuts words by themselves if no piece reaches over a blank and a text has the pieces
of its words. Both are checked when it is opened: the first for every piece, the second
for texts made of some of them.
"""

from collections.abc import Sequence
from typing import final

import sentencepiece

from nonplus.errors import BadModel
from nonplus.models.ngram.text.pieces import BLANKS, Cuts, Strings

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

    def cut(self, strings: Strings) -> Cuts:
        """Each of ``strings``, in UTF-8, as pieces."""
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
