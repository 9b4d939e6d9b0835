"""A file of the package ``tokenizers`` as the tokenizer of an n-gram model.

Text that spells one of its special tokens is text. Its token for text that it cannot
write otherwise, whatever the name, is the ``<unk>`` of every model. It cuts words by
themselves if its rules say so and if texts that are tried when it is opened have the
pieces of their words.
"""

import json
from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
import tokenizers

from nonplus.errors import BadModel
from nonplus.measure.records import Encoding, Encodings, Integers
from nonplus.models.fast_encoder import FastEncoder
from nonplus.models.ngram.ngrams import SPECIAL_WORDS, UNKNOWN
from nonplus.models.ngram.text.pieces import BLANKS, Cut
from nonplus.models.ngram.text.word_cuts import drops_blanks, leads_words
from nonplus.models.unknown_token import unknown_id

_PROBES = 50  # pieces that are tried
_TOGETHER = 1 << 12  # bytes of words that are encoded as one text


@final
class TokenizersFile:
    """A tokenizer read from the content of a ``tokenizer.json``."""

    kind = "tokenizers"
    file = "tokenizer.json"

    def __init__(self, data: bytes, *, name: str = "the tokenizer's file") -> None:
        """``data`` is the content of the file ``name``.

        Raises:
            BadModel: it is no such file.
        """
        self.data = data
        try:
            self._tokenizer = tokenizers.Tokenizer.from_buffer(data)
        except ValueError as fault:
            reason = str(fault).removeprefix("Cannot instantiate Tokenizer from buffer: ")
            raise BadModel(f"{name} cannot be read as a tokenizer: {reason}; name a tokenizer.json") from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True
        self._encoder = FastEncoder(
            self._tokenizer, lambda texts: [self._tokenizer.encode(text, add_special_tokens=False) for text in texts]
        )
        unknown = unknown_id(self._tokenizer)
        self._piece_of = {} if unknown is None else {unknown: SPECIAL_WORDS[UNKNOWN].encode()}
        rules = json.loads(self._tokenizer.to_str())
        self.led = leads_words(rules) and self._cuts_before_blanks()
        by_words = drops_blanks(rules) and self._cuts_at(" ")
        self.blanks = bytes(blank for blank in BLANKS if self._cuts_at(chr(blank))) if by_words else b""

    def cut(self, texts: list[bytes]) -> list[Cut]:
        """Each of ``texts``, in UTF-8, as pieces."""
        if not self.led:
            return [Cut(self._pieces(each.ids), each.byte_ends.tolist()) for each in self._encoded(texts)]
        # A row of led words is a text that is cut into them, and one long text is fast.
        rows = list(_rows(texts))
        return [
            cut
            for row, found in zip(rows, self._encoded([b"".join(row) for row in rows]), strict=True)
            for cut in self._apart(row, found)
        ]

    def spelled(self, pieces: Sequence[str]) -> str:
        """The text that pieces stand for."""
        ids = [self._tokenizer.token_to_id(piece) for piece in pieces]
        text: str = self._tokenizer.decode([i for i in ids if i is not None], skip_special_tokens=False)
        return text

    def _encoded(self, texts: list[bytes]) -> Encodings:
        return self._encoder.encode([text.decode() for text in texts], specials=False)

    def _apart(self, row: list[bytes], found: Encoding) -> Iterator[Cut]:
        """The words of a row, which was encoded as one text."""
        pieces, stops = self._pieces(found.ids), found.byte_ends.tolist()
        ends = np.cumsum([len(word) for word in row])
        last = np.searchsorted(found.byte_ends, ends, side="right").tolist()
        for begin, first, stop in zip([0, *ends.tolist()], [0, *last], last, strict=False):
            yield Cut(pieces[first:stop], [each - begin for each in stops[first:stop]])

    def _pieces(self, ids: Integers) -> list[bytes]:
        known = self._piece_of
        for i in set(ids.tolist()).difference(known):
            known[i] = str(self._tokenizer.id_to_token(i)).encode()
        return [known[i] for i in ids.tolist()]

    def _probes(self) -> list[str]:
        return [word for word in sorted(self._tokenizer.get_vocab()) if word.isalnum()][:_PROBES]

    def _cuts_before_blanks(self) -> bool:
        words = [f" {word}" for word in self._probes()]
        whole, *own = self._encoded([word.encode() for word in ("".join(words), *words)])
        return bool(words) and whole.ids.tolist() == [i for each in own for i in each.ids.tolist()]

    def _cuts_at(self, blank: str) -> bool:
        words = self._probes()
        whole, *own = self._encoded([text.encode() for text in (f"{blank}{(2 * blank).join(words)}{blank}", *words)])
        return bool(words) and whole.ids.tolist() == [i for each in own for i in each.ids.tolist()]


def _rows(words: list[bytes]) -> Iterator[list[bytes]]:
    """Words in rows, each a text that is cut into its words."""
    row: list[bytes] = []
    size = 0
    for word in words:
        if row and (size > _TOGETHER or word[:1] != b" " or row[-1].decode()[-1:].isspace()):
            yield row
            row, size = [], 0
        row.append(word)
        size += len(word)
    if row:
        yield row
