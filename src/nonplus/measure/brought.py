"""What a model may bring along besides its scores."""

from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable

from nonplus.measure.records import Document, Floats


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


@runtime_checkable
class HasWitness(Protocol):
    """A model whose identity is only what somebody says of it, so that its weights may
    change behind it; the figures of a fixed text tell.
    """

    @property
    def witness(self) -> Floats:
        """Nats of the tokens of that text."""
        ...

    def confirms(self, witness: Floats) -> bool:
        """Whether a model that gave these may have the same weights, as far as rounding
        lets it be seen.
        """
        ...
