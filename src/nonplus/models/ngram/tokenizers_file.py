"""A file of the package ``tokenizers`` as the tokenizer of an n-gram model.

Text that spells one of its special tokens is text. It cuts words by themselves if its
pre-tokenizer begins with dropping every blank, as BERT's does, if its normaliser looks
at single characters only, and if texts that are tried when it is opened have the pieces
of their words. Byte-level ones, as GPT-2's, put a blank into the word after it; they
cut every text as a whole.
"""

import json
from collections.abc import Sequence
from typing import Any, final

import tokenizers

from nonplus.errors import BadModel
from nonplus.models.fast_encoder import FastEncoder
from nonplus.models.ngram.pieces import BLANKS, Cut

_AT_BLANKS = ("Whitespace", "WhitespaceSplit", "BertPreTokenizer")
_OF_CHARACTERS = ("BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "StripAccents")
_PROBES = 50  # pieces that are tried


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
            raise BadModel(f"{name} cannot be read as a tokenizer: {fault}; name a tokenizer.json") from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True
        self._encoder = FastEncoder(
            self._tokenizer, lambda texts: [self._tokenizer.encode(text, add_special_tokens=False) for text in texts]
        )
        by_words = self._drops_blanks() and self._cuts_at(" ")
        self.blanks = bytes(blank for blank in BLANKS if self._cuts_at(chr(blank))) if by_words else b""

    def cut(self, texts: list[bytes]) -> list[Cut]:
        """Each of ``texts``, in UTF-8, as pieces."""
        found = self._encoder.encode([text.decode() for text in texts], specials=False)
        return [Cut([self._piece(i) for i in each.ids.tolist()], each.byte_ends.tolist()) for each in found]

    def spelled(self, pieces: Sequence[str]) -> str:
        """The text that pieces stand for."""
        ids = [self._tokenizer.token_to_id(piece) for piece in pieces]
        text: str = self._tokenizer.decode([i for i in ids if i is not None], skip_special_tokens=False)
        return text

    def _piece(self, token: int) -> bytes:
        return str(self._tokenizer.id_to_token(token)).encode()

    def _drops_blanks(self) -> bool:
        rules = json.loads(self._tokenizer.to_str())
        alone = not any(
            token["lstrip"] or token["rstrip"] or " " in token["content"] for token in rules["added_tokens"]
        )
        at_blanks = [step in _AT_BLANKS for step in _steps(rules["pre_tokenizer"], "pretokenizers")]
        by_character = [step in _OF_CHARACTERS for step in _steps(rules["normalizer"], "normalizers")]
        drawn = rules["model"].get("dropout") is not None
        return alone and not drawn and at_blanks[:1] == [True] and all(by_character)

    def _cuts_at(self, blank: str) -> bool:
        words = [word for word in sorted(self._tokenizer.get_vocab()) if word.isalnum()][:_PROBES]
        whole, *own = self.cut([text.encode() for text in (f"{blank}{(2 * blank).join(words)}{blank}", *words)])
        return bool(words) and whole.pieces == [piece for each in own for piece in each.pieces]


def _steps(rule: dict[str, Any] | None, inside: str) -> list[str]:
    """The names of the steps of a rule, one after another."""
    if rule is None:
        return []
    return [name for each in rule[inside] for name in _steps(each, inside)] if inside in rule else [rule["type"]]
