"""Tokens that a file names by their text, or by ids and their text."""

from collections.abc import Sequence
from typing import final

from nonplus.errors import BadModel
from nonplus.measure.interfaces import Message


@final
class Pieces:
    """The tokens of a file as far as it was read; no text can be encoded with them."""

    def __init__(self, identity: str) -> None:
        """``identity`` is that of the tokenizer, if the file tells it."""
        self.identity = identity
        self._ids: dict[str, int] = {}
        self._texts: dict[int, str] = {}

    special_ids: frozenset[int] = frozenset()
    unknown_id = None

    def id_of(self, text: str) -> int:
        """A number for a token that the file gives none."""
        number = self._ids.setdefault(text, len(self._ids))
        self._texts[number] = text
        return number

    def met(self, number: int, text: str) -> None:
        """A token of the file with its own id."""
        if text:
            self._texts.setdefault(number, text)

    def decode(self, ids: Sequence[int]) -> str:
        """The texts of ids that were met, one after the other."""
        return "".join(self._texts.get(int(each), "") for each in ids)

    def chat(self, messages: Sequence[Message]) -> str:
        """Not possible: a file of scores has no chat template.

        Raises:
            BadModel: always.
        """
        raise BadModel(
            "a file of scores has no chat template, and a conversation needs one; omit messages=…, or omit the texts, "
            "and those of the file are read"
        )
