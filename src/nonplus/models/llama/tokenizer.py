"""A tokenizer read from the folder of a model: ``tokenizer.json``, and what lies beside it."""

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import tokenizers

from nonplus.errors import BadModel
from nonplus.measure.interfaces import Special
from nonplus.measure.records import Encoding


@final
class FileTokenizer:
    """The tokenizer of a folder in the layout of ``transformers``."""

    def __init__(self, folder: Path) -> None:
        """Read ``tokenizer.json`` from ``folder``.

        Raises:
            BadModel: there is no such file, or it is no tokenizer.
        """
        file = folder / "tokenizer.json"
        if not file.is_file():
            raise BadModel(f"{folder} has no tokenizer.json; save one there with tokenizer.save_pretrained")
        raw = file.read_bytes()
        try:
            self._tokenizer = tokenizers.Tokenizer.from_buffer(raw)
        except ValueError as fault:
            raise BadModel(f"{file} cannot be read as a tokenizer: {fault}") from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._folder = folder
        self._config = json_file(folder / "tokenizer_config.json")
        self.identity = hashlib.sha256(raw).hexdigest()

    def encode(self, texts: Sequence[str], *, specials: bool) -> list[Encoding]:
        """Each text as ids with their characters; with ``specials``, as the tokenizer's own template has it."""
        # One by one: a batch starts threads, after which a fork prints a warning about them.
        return [_encoding(self._tokenizer.encode(text, add_special_tokens=specials)) for text in texts]

    def decode(self, ids: Sequence[int]) -> str:
        """The text that ids stand for, special tokens included."""
        text: str = self._tokenizer.decode([int(i) for i in ids], skip_special_tokens=False)
        return text

    def chat(self, messages: Sequence[dict[str, str]], *, reply: bool) -> str:
        """Never possible here: templates are programs, and what runs them is not in the base install.

        Raises:
            BadModel: always; it says whether the model has a template at all.
        """
        if "chat_template" in self._config or (self._folder / "chat_template.jinja").exists():
            raise BadModel(f"the chat template of {self._folder} needs transformers; open it as hf:{self._folder}")
        raise BadModel(f"{self._folder} has no chat template; give it the conversation as one text")

    @property
    def max_length(self) -> int:
        """The most tokens that its model was made for, as far as the tokenizer knows; very many where it does not."""
        said = self._config.get("model_max_length")
        return int(said) if said else sys.maxsize

    def special(self, config: dict[str, Any]) -> Special:
        """What begins and ends a text: what the tokenizer puts before it, else what it names so.

        Only for the end does ``config`` count too: many name a beginning that their model never saw.
        """
        bos = self._leading() or self._named("bos_token")
        eos = self._named("eos_token") or _ids(config.get("eos_token_id"))
        return Special(bos=bos[0] if bos else None, eos=eos[0] if eos else None)

    def _leading(self) -> list[int]:
        """What the tokenizer itself puts before a text."""
        bare, full = (self._tokenizer.encode("a", add_special_tokens=own).ids for own in (False, True))
        return full[: next((i for i in range(len(full)) if full[i : i + len(bare)] == bare), 0)]

    def _named(self, role: str) -> list[int]:
        named = self._config.get(role)
        text = named.get("content") if isinstance(named, dict) else named
        return _ids(self._tokenizer.token_to_id(text) if text else None)


def json_file(file: Path) -> dict[str, Any]:
    """What a JSON file says; nothing where there is no such file.

    Raises:
        BadModel: it is no JSON object.
    """
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise BadModel(f"{file} is not JSON: {fault}; fetch it again") from None
    if not isinstance(content, dict):
        raise BadModel(f"{file} holds a {type(content).__name__} where an object belongs; fetch it again")
    return content


def _encoding(encoding: tokenizers.Encoding) -> Encoding:
    spans = np.array(encoding.offsets, np.int64).reshape(-1, 2)
    return Encoding(np.array(encoding.ids, np.int64), spans)


def _ids(value: Any) -> list[int]:
    """An id, several or none as a list: ``config.json`` has it all three ways."""
    if value is None:
        return []
    return [int(i) for i in value] if isinstance(value, list) else [int(value)]
