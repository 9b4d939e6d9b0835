"""The token with which a tokenizer stands for text that it has no token for."""

import json
from typing import Any


def unknown_id(tokenizer: Any) -> int | None:
    """The id that the model inside a ``tokenizers.Tokenizer`` gives to such text;
    ``None`` if it has none.
    """
    rules = json.loads(tokenizer.model.__getstate__())
    if rules["type"] == "Unigram":
        return None if rules["unk_id"] is None else int(rules["unk_id"])
    token = rules.get("unk_token")
    return tokenizer.token_to_id(token) if token else None
