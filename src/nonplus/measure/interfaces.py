"""What a tokenizer and a model are: the seams at which anything can be put in."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Batch, Document, Encoding, Floats, Ints, ScoredTexts


@dataclass(frozen=True, slots=True, kw_only=True)
class Special:
    """The tokens that a model knows as the beginning and the end of a text; ``None``
    where it has no such token.

    ``bos`` is set only where the model was trained with something before a text's first
    token: what its tokenizer puts there by itself, else the token its tokenizer names
    as the beginning.
    """

    bos: int | None
    eos: int | None


class Tokenizer(Protocol):
    """Text to ids and back."""

    @property
    def identity(self) -> str:
        """A digest of everything that decides the ids."""
        ...

    def encode(self, texts: Sequence[str], *, specials: bool) -> list[Encoding]:
        """Each text as ids; with ``specials``, with the tokens that the tokenizer adds
        of its own accord.
        """
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text that ids stand for, special tokens included."""
        ...

    def chat(self, messages: Sequence[dict[str, str]], *, reply: bool) -> str:
        """A conversation written out by the model's own template; with ``reply``, up to
        where an answer begins.

        Raises:
            BadModel: the model has no such template.
        """
        ...


class StatedProtocol(Protocol):
    """What decides a figure besides the model's weights and the text, stated so that
    two figures can be compared.
    """

    @property
    def signature(self) -> str:
        """The choices in words, short enough to print beside the figure."""
        ...

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that differ whenever a choice does."""
        ...

    @property
    def cautions(self) -> tuple[str, ...]:
        """Where a figure under this protocol is known to mislead."""
        ...

    @property
    def average(self) -> Literal["tokens", "texts"]:
        """Perplexity of the mean over tokens, or the arithmetic mean of the texts'
        perplexities.
        """
        ...

    @property
    def denominator(self) -> Literal["scored", "lm-eval"]:
        """Words and bytes of the text that was scored, or of the original, counted as
        lm-eval does.
        """
        ...

    def as_dict(self) -> dict[str, Any]:
        """Every choice, for JSON."""
        ...


class AnyModel(Protocol):
    """What both kinds of model can say of themselves."""

    @property
    def name(self) -> str:
        """What a reader calls it."""
        ...

    @property
    def identity(self) -> str:
        """A digest of the weights and of whatever else decides its scores; equal
        identities score alike.
        """
        ...

    @property
    def dtype(self) -> str:
        """The dtype in which its body computes, e.g. ``float32``."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer it was trained with."""
        ...

    @property
    def vocabulary(self) -> int:
        """How many token ids it knows."""
        ...


@runtime_checkable
class HasLogprobs(Protocol):
    """The one question that every window model answers."""

    def logprobs(self, batch: Batch) -> Floats:
        """Natural log-probability of each target, shape (N,); ``-inf`` for probability
        0.

        Raises:
            MemoryError: the batch does not fit; a smaller one may.
        """
        ...


class WindowModel(AnyModel, HasLogprobs, Protocol):
    """A model that sees a window of tokens at a time.

    Which windows, what goes before them, padding and counting are not its business.
    """

    @property
    def special(self) -> Special:
        """Its BOS and EOS tokens."""
        ...

    @property
    def max_context(self) -> int:
        """The most tokens it can be fed at once."""
        ...

    @property
    def budget(self) -> int:
        """How many input tokens make a batch that keeps this device busy."""
        ...

    @property
    def packs(self) -> bool:
        """Whether several texts may share a row, told apart by positions that begin
        again at 0.
        """
        ...


@runtime_checkable
class HasDistributions(Protocol):
    """A window model that can also give whole distributions."""

    def distributions(self, batch: Batch) -> Iterator[NDArray[np.floating[Any]]]:
        """Log-probabilities over the vocabulary at the places asked for, in their
        order, as chunks of shape (n, V).

        They are float32, or float64 where the body is. A chunk takes a bounded number
        of bytes, whatever the batch, and the next one may overwrite it.

        Raises:
            MemoryError: the batch does not fit; a smaller one may.
        """
        ...


@runtime_checkable
class HasPrefixes(Protocol):
    """A window model that can keep what it computed for a text's beginning."""

    def prefix(self, tokens: Sequence[int]) -> "Prefix":
        """The state after ``tokens``, of which there is at least one.

        Raises:
            BadInput: no token, more than the model takes, or an id that it does not
                know.
        """
        ...


class Prefix(Protocol):
    """A model's state after some tokens: continuations are scored or generated from it
    at the cost of their own tokens.

    It never changes: :meth:`extended` gives another one.
    """

    @property
    def tokens(self) -> Ints:
        """The tokens fed so far."""
        ...

    def distribution(self) -> NDArray[np.floating[Any]]:
        """Log-probabilities of the next token, shape (V,)."""
        ...

    def logprobs(self, continuation: Sequence[int]) -> Floats:
        """Natural log-probability of each token of ``continuation`` after the prefix
        and the ones before it.
        """
        ...

    def extended(self, tokens: Sequence[int]) -> "Prefix":
        """The state after ``tokens`` more."""
        ...


@runtime_checkable
class ScoresTexts(Protocol):
    """The one question that every text scorer answers."""

    def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
        """Documents with the surprisal of each token, in order, many at a time; read as
        they are asked for.

        With ``alternatives`` above 0, each batch has readings with that number of the
        most probable tokens.

        Raises:
            BadModel: it has no readings to give.
        """
        ...


class TextScorer(AnyModel, ScoresTexts, Protocol):
    """A model that scores whole documents in its own way: n-gram, masked,
    encoder-decoder, remote, precomputed.
    """

    @property
    def protocol(self) -> StatedProtocol:
        """How it turns a text into tokens and a figure."""
        ...
