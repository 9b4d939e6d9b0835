"""The rules of an n-gram model as a tokenizer."""

from collections.abc import Sequence
from typing import final

import numpy as np

from nonplus.errors import BadModel
from nonplus.measure.interfaces import Message, SpecialText
from nonplus.measure.records import Encodings
from nonplus.models.ngram.ngrams import BEGIN, END, UNKNOWN
from nonplus.models.ngram.text.rules import Rules


@final
class RulesTokenizer:
    """Text to the ids that a model's rules give it, and back.

    A ``</s>`` that stands for a newline belongs to the text; only ``<s>`` and a last
    ``</s>`` are added to it.
    """

    # A text that spells <s> or </s> has an unknown word there.
    special_ids: frozenset[int] = frozenset()
    unknown_id = UNKNOWN

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    @property
    def identity(self) -> str:
        """A digest of everything that decides the ids."""
        return self._rules.identity

    def encode(self, texts: Sequence[str], *, specials: bool, special_text: SpecialText = "parsed") -> Encodings:
        """Each text as ids; with ``specials``, with each ``<s>`` and the last
        ``</s>``.
        """
        found = self._rules.sentences(texts)
        ids_T, ends_T, offsets = found.ids_T, found.byte_ends_T, found.starts[found.documents]
        if specials:
            return Encodings(ids_T, ends_T, np.diff(offsets))
        starts_T = np.roll(ends_T, 1)
        starts_T[offsets[:-1][np.diff(offsets) > 0]] = 0
        own_T = (ids_T != BEGIN) & ((ids_T != END) | (ends_T > starts_T))
        before = np.concatenate([[0], np.cumsum(own_T)])
        return Encodings(ids_T[own_T], ends_T[own_T], np.diff(before[offsets]))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids as far as it is known, special words as they are written."""
        return self._rules.splitter.decode(ids).encode(errors="surrogateescape").decode(errors="replace")

    def chat(self, messages: Sequence[Message]) -> str:
        """Not possible: n-gram models have no chat template.

        Raises:
            BadModel: always.
        """
        raise BadModel(
            "an n-gram model has no chat template, and a conversation needs one; open a chat model with hf:, or omit "
            "messages=… and score a field of text"
        )
