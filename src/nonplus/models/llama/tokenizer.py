"""A tokenizer of the package ``tokenizers``, from a model's folder or from memory."""

import hashlib
import json
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self, final

import tokenizers

from nonplus.errors import BadModel
from nonplus.measure.interfaces import Message, Special, SpecialText
from nonplus.measure.records import Encoding
from nonplus.models.fast_encoder import FastEncoder, GrowingText
from nonplus.models.unknown_token import unknown_id


@final
class FileTokenizer:
    """The tokenizer of a folder in the layout of ``transformers``, or one like it."""

    def __init__(self, folder: Path) -> None:
        """Read ``tokenizer.json`` from ``folder``.

        Raises:
            BadModel: there is no such file, or it is not a tokenizer.
        """
        file = folder / "tokenizer.json"
        if not file.is_file():
            raise BadModel(f"{folder} has no tokenizer.json; save one there with tokenizer.save_pretrained")
        config = json_file(folder / "tokenizer_config.json")
        template = "chat_template" in config or (folder / "chat_template.jinja").exists()
        try:
            self._read(file.read_bytes(), config, has_template=template)
        except ValueError as fault:
            raise BadModel(f"{file} cannot be read as a tokenizer: {fault}; download it again") from None

    @classmethod
    def of(cls, tokenizer: tokenizers.Tokenizer) -> Self:
        """One in memory, of which a copy is taken.

        Its settings for training, truncation and padding, are ignored.
        """
        own = cls.__new__(cls)
        own._read(tokenizer.to_str().encode(), {}, has_template=False)
        return own

    def _read(self, raw: bytes, config: dict[str, Any], *, has_template: bool) -> None:
        self._tokenizer = tokenizers.Tokenizer.from_buffer(raw)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._parsed = _one_by_one(self._tokenizer)
        self._config, self._has_template = config, has_template
        self.identity = hashlib.sha256(raw).hexdigest()

    @property
    def size(self) -> int:
        """How many tokens it has without those that were added to its vocabulary."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=False))

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Ids of its special tokens."""
        added = self._tokenizer.get_added_tokens_decoder()
        return frozenset(i for i, token in added.items() if token.special)

    @cached_property
    def unknown_id(self) -> int | None:
        """The id that stands for text without a token; ``None`` if there is none."""
        found = unknown_id(self._tokenizer)
        return None if found in (*self._named("bos_token"), *self._named("eos_token")) else found

    def encode(
        self, texts: Sequence[str], *, specials: bool, special_text: SpecialText = "parsed"
    ) -> Sequence[Encoding]:
        """Each text as ids; with ``specials``, with the automatically added tokens."""
        return self._encoder(special_text).encode(texts, specials=specials)

    def stream(self, *, specials: bool, special_text: SpecialText = "parsed") -> GrowingText:
        """The tokens of a text that comes bit by bit."""
        return self._encoder(special_text).stream(specials=specials)

    def _encoder(self, special_text: SpecialText) -> FastEncoder:
        return self._parsed if special_text == "parsed" else self._plain

    @cached_property
    def _plain(self) -> FastEncoder:
        """Reads text that spells a special token as any other."""
        plain = tokenizers.Tokenizer.from_str(self._tokenizer.to_str())
        plain.encode_special_tokens = True
        return _one_by_one(plain)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, special tokens included."""
        text: str = self._tokenizer.decode([int(i) for i in ids], skip_special_tokens=False)
        return text

    def chat(self, messages: Sequence[Message]) -> str:
        """Not possible: chat templates are programs, which the base install cannot run.

        Raises:
            BadModel: always; the message tells whether the model has one.
        """
        if self._has_template:
            raise BadModel("this model's chat template needs transformers; open it as hf: instead of llama:")
        raise BadModel(
            "this model has no chat template, and a conversation needs one; open a chat model with hf:, or omit "
            "messages=… and score a field of text"
        )

    @property
    def id_bound(self) -> int:
        """One more than its largest id."""
        return max(self._tokenizer.get_vocab(with_added_tokens=True).values()) + 1

    @property
    def max_length(self) -> int:
        """The most tokens that its settings allow; huge if they name no limit."""
        limit = self._config.get("model_max_length")
        return int(limit) if limit else sys.maxsize

    def special(self, config: dict[str, Any]) -> Special:
        """BOS: the token that the tokenizer adds before a text, else the one it names.

        For EOS, ``config`` counts too; for BOS it does not, because many configurations
        name a token that the model never saw.
        """
        bos = self._parsed.before or self._named("bos_token")
        eos = self._named("eos_token") or _ids(config.get("eos_token_id"))
        return Special(bos=bos[0] if bos else None, eos=eos[0] if eos else None)

    def _named(self, role: str) -> list[int]:
        named = self._config.get(role)
        text = named.get("content") if isinstance(named, dict) else named
        return _ids(self._tokenizer.token_to_id(text) if text else None)


def json_file(file: Path) -> dict[str, Any]:
    """The content of a JSON file; an empty dictionary if there is no such file.

    Raises:
        BadModel: it is not a JSON object.
    """
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise BadModel(f"{file} is not JSON: {fault}; download it again") from None
    if not isinstance(content, dict):
        raise BadModel(f"{file} holds a {type(content).__name__} instead of an object; download it again")
    return content


def _one_by_one(tokenizer: tokenizers.Tokenizer) -> FastEncoder:
    """A batch would start threads, and a later fork warn about them."""
    return FastEncoder(tokenizer, lambda texts: [tokenizer.encode(text, add_special_tokens=False) for text in texts])


def _ids(value: Any) -> list[int]:
    """An id, a list of ids, or no id, as a list."""
    if value is None:
        return []
    return [int(i) for i in value] if isinstance(value, list) else [int(value)]
