"""The token with which a tokenizer stands for text that it has no token for."""

import json
from typing import Any

from nonplus.models.token_bytes import is_byte_level, names_of_bytes


def unknown_id(tokenizer: Any) -> int | None:
    """The id that the model inside a ``tokenizers.Tokenizer`` gives to such text;
    ``None`` if it has none, as where it has a token for every byte.

    Such a tokenizer may still name one: its EOS token, or a token of real text.
    """
    if _has_every_byte(tokenizer):
        return None
    rules = json.loads(tokenizer.model.__getstate__())
    if rules["type"] == "Unigram":
        return None if rules["unk_id"] is None else int(rules["unk_id"])
    token = rules.get("unk_token")
    return tokenizer.token_to_id(token) if token else None


def _has_every_byte(tokenizer: Any) -> bool:
    """Whether any text can be written with the tokens of a ``tokenizers.Tokenizer``, so
    that none is unknown.
    """
    model = json.loads(tokenizer.model.__getstate__())
    affixes = model.get("continuing_subword_prefix"), model.get("end_of_word_suffix")
    if model["type"] not in ("BPE", "Unigram") or any(affixes):
        return False
    writes_bytes = is_byte_level(tokenizer) or model["byte_fallback"]
    return writes_bytes and all(tokenizer.token_to_id(name) is not None for name in names_of_bytes(tokenizer))
