"""A file of the package ``tokenizers`` as the tokenizer of an n-gram model.

Text that spells one of its special tokens is text. Its token for text that it cannot
write otherwise, whatever the name, is the ``<unk>`` of every model. It cuts words by
themselves if its rules say so and if texts that are tried when it is opened have the
pieces of their words.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, final

import numpy as np
import tokenizers

from nonplus.errors import BadModel
from nonplus.kernels.native.bpe import NativeJoining
from nonplus.kernels.native.cutting import LEFT
from nonplus.measure.records import Integers, Ints, nowhere
from nonplus.models.fast_encoder import FastEncoder
from nonplus.models.ngram.ngrams import SPECIAL_WORDS, UNKNOWN
from nonplus.models.ngram.text.byte_joining import joining_of
from nonplus.models.ngram.text.cuts import BLANKS, Cuts, Strings, in_turn
from nonplus.models.ngram.text.word_cuts import drops_blanks, leads_words
from nonplus.models.unknown_token import unknown_id

_PROBES = 50  # pieces that are tried
_TOGETHER = 1 << 12  # bytes of words that are encoded as one text
_TRIED = ("don't", "they'llAB12", "''s!?", "x_y-3.14", "\x00\x1f\x7f")  # words that GPT-2's pattern cuts


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
        self._unknown = unknown_id(self._tokenizer)
        self.size = 1 + max(self._tokenizer.get_vocab().values(), default=-1)
        rules = json.loads(self._tokenizer.to_str())
        self.led = leads_words(rules) and self._cuts_before_blanks()
        by_words = drops_blanks(rules) and self._cuts_at(" ")
        self.blanks = bytes(blank for blank in BLANKS if self._cuts_at(chr(blank))) if by_words else b""
        self._joining = self._joining_of(rules)

    def cut(self, strings: Strings) -> Cuts:
        """Each of ``strings``, in UTF-8, as pieces."""
        if self._joining is None:
            return Cuts(*self._encoded(strings.each()))
        id_T, rest_T, count_S = self._joining.cut(strings.data, strings.stops)
        left_S = count_S == LEFT
        if left_S.any():
            left_id_T, left_rest_T, count_S[left_S] = self._encoded(strings.each(np.flatnonzero(left_S)))
            left_T = np.repeat(left_S, count_S)
            id_T, rest_T = in_turn(left_T, left_id_T, id_T), in_turn(left_T, left_rest_T, rest_T)
        return Cuts(id_T, rest_T, count_S)

    def piece(self, number: int) -> bytes:
        """The piece of a token; of the one for what has no other, ``<unk>``."""
        piece = SPECIAL_WORDS[UNKNOWN] if number == self._unknown else str(self._tokenizer.id_to_token(number))
        return piece.encode()

    def spelled(self, pieces: Sequence[str]) -> str:
        """The text that pieces stand for."""
        ids = [self._tokenizer.token_to_id(piece) for piece in pieces]
        text: str = self._tokenizer.decode([i for i in ids if i is not None], skip_special_tokens=False)
        return text

    def _encoded(self, texts: list[bytes]) -> tuple[Integers, Ints, Ints]:
        """By the package: the tokens of texts, the bytes that follow each, and how many
        each text has.
        """
        if self.led:
            return self._encoded_rows(texts)
        found = self._encoder.encode([text.decode() for text in texts], specials=False)
        length_S = np.array(list(map(len, texts)), np.int64)
        return found.ids, np.repeat(length_S, found.counts) - found.byte_ends, found.counts

    def _encoded_rows(self, texts: list[bytes]) -> tuple[Integers, Ints, Ints]:
        """The same for led words: a row of them is a text that is cut into them, and
        one long text is fast.
        """
        rows = list(_rows(texts))
        found = self._encoder.encode([b"".join(row).decode() for row in rows], specials=False)
        ends = [np.cumsum(list(map(len, row))) for row in rows]
        done = [np.searchsorted(each.byte_ends, end, side="right") for each, end in zip(found, ends, strict=True)]
        count_S = np.concatenate([nowhere(), *(np.diff(each, prepend=0) for each in done)])
        return found.ids, np.repeat(np.concatenate([nowhere(), *ends]), count_S) - found.byte_ends, count_S

    def _ids(self, texts: list[str]) -> list[list[int]]:
        """The tokens of each text, by the package."""
        return [each.ids.tolist() for each in self._encoder.encode(texts, specials=False)]

    def _joining_of(self, rules: Mapping[str, Any]) -> NativeJoining | None:
        """Faster than the package, where it is found to give the same."""
        joining = joining_of(rules) if self.led or self.blanks == BLANKS else None
        if joining is None:
            return None
        words = [word.encode() for word in (*self._probes, *_TRIED)]
        id_T, _, count_S = joining.cut(b"".join(words), np.cumsum(list(map(len, words))))
        own_T, _, own_S = self._encoded(words)
        return joining if np.array_equal(id_T, own_T) and np.array_equal(count_S, own_S) else None

    @cached_property
    def _probes(self) -> list[str]:
        return [word for word in sorted(self._tokenizer.get_vocab()) if word.isalnum()][:_PROBES]

    def _cuts_before_blanks(self) -> bool:
        words = [f" {word}" for word in self._probes]
        whole, *own = self._ids(["".join(words), *words])
        return bool(words) and whole == [i for each in own for i in each]

    def _cuts_at(self, blank: str) -> bool:
        words = self._probes
        whole, *own = self._ids([f"{blank}{(2 * blank).join(words)}{blank}", *words])
        return bool(words) and whole == [i for each in own for i in each]


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
