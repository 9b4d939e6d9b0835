"""From texts to the word ids of an n-gram model: one way for training and for scoring.

Letters in shapes: D documents, S sentences of all of them, T tokens of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final

from nonplus.measure.records import Integers, Ints
from nonplus.models.ngram.ngrams import WordIds
from nonplus.models.ngram.normalizers.aligned import Unit


@final
@dataclass(frozen=True, slots=True)
class Sentences:
    """Documents as word ids, cut into the sentences that the model sees.

    ``ids_T`` (T,) are laid end to end. A sentence ``[starts[s], starts[s + 1])``, with
    ``starts`` (S + 1,), begins with ``<s>`` and ends with ``</s>`` where the rules say
    so. Document ``d`` has the sentences ``[documents[d], documents[d + 1])``, with
    ``documents`` (D + 1,). ``byte_ends_T`` is the byte of the document's own text, in
    UTF-8, at which each token ends: tokens tile the text, what a normaliser drops
    belongs to the token before it (to the first one at the beginning), ``<s>`` ends
    where the token before it does, and ``</s>`` covers the newline.
    ``normalised_bytes_D`` are the bytes of each document after normalising.
    """

    ids_T: WordIds
    byte_ends_T: Integers
    starts: Ints
    documents: Ints
    normalised_bytes_D: Ints


class TextRules(Protocol):
    """How a text becomes the sentences of a model."""

    @property
    def words(self) -> Sequence[str]:
        """The text of each word id; the first three are those of ``SPECIAL_WORDS``."""
        ...

    @property
    def identity(self) -> str:
        """A digest of everything that decides the ids."""
        ...

    @property
    def unit(self) -> Unit:
        """What a sentence is; lines of a text are read each by itself."""
        ...

    def sentences(self, texts: Sequence[str]) -> Sentences:
        """Texts as sentences of word ids.

        Raises:
            BadInput: a text holds what UTF-8 cannot.
        """
        ...
