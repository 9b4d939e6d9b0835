"""What a training did, as a value."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

from nonplus.models.ngram.training.discounts import Discounts


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingReport:
    """The sizes of a model and of its text.

    ``counts`` tells how many n-grams of order 1, 2, … the model has, and
    ``counts_before_pruning`` how many the text has; ``discounts`` are those of each
    order. ``words`` counts the vocabulary with ``<unk>``, ``<s>`` and ``</s>``.
    ``tokens`` are those of the text, ``</s>`` included. ``text_sha256`` stands for the
    documents in any order: it is the sum of the SHA-256 of each, as four numbers of 64
    bits. ``options`` are those that decide the model.
    """

    order: int
    counts: tuple[int, ...]
    counts_before_pruning: tuple[int, ...]
    discounts: tuple[Discounts, ...]
    words: int
    documents: int
    sentences: int
    tokens: int
    bytes: int
    text_sha256: str
    options: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return asdict(self)
