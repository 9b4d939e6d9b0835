"""A text that comes bit by bit, for a tokenizer that takes only whole texts."""

from collections.abc import Callable, Sequence
from typing import final

import numpy as np

from nonplus.measure.records import Encoding


@final
class GatheredText:
    """Keeps the text, and has all of its tokens at the end."""

    def __init__(self, encode: Callable[[list[str]], Sequence[Encoding]]) -> None:
        self._encode = encode
        self._parts: list[str] = []

    def feed(self, text: str) -> Encoding:
        """No token is certain."""
        self._parts.append(text)
        return Encoding(np.empty(0, np.int64), np.empty(0, np.int64))

    def end(self) -> Encoding:
        """All tokens."""
        (encoding,) = self._encode(["".join(self._parts)])
        return encoding
