"""What a model may bring along besides its scores."""

from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable

from nonplus.measure.records import Document


@runtime_checkable
class HasTexts(Protocol):
    """A text scorer that brings the texts that it has scores of."""

    @property
    def texts(self) -> Iterable[Document]:
        """All of them, in order, on every pass."""
        ...


@runtime_checkable
class HasOrder(Protocol):
    """A text scorer made of n-grams; what it gives has matches."""

    @property
    def order(self) -> int:
        """The tokens of its longest n-grams: it sees one fewer before a token."""
        ...


@runtime_checkable
class HasQuantiles(Protocol):
    """A model that knows how surprising documents of its own languages are."""

    @property
    def quantiles(self) -> Mapping[str, Mapping[str, float]]:
        """By language, the perplexity at each quantile of them that is known, such as
        ``0.95``; empty if none is.
        """
        ...
