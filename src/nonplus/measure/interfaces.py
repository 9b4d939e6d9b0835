"""What a tokenizer, a model and a corpus are: the seams at which anything can be put in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from nonplus.measure.records import Batch, Document, Encoding, Floats, Readings


@dataclass(frozen=True, slots=True, kw_only=True)
class Special:
    """The tokens that a model knows as the beginning and the end of a text; ``None`` where it has no such token.

    ``bos`` is set only where the model was trained with something before a text's first token: what its tokenizer
    puts there by itself, else the token its tokenizer names as the beginning.
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
        """Each text as ids; with ``specials``, with the tokens that the tokenizer adds of its own accord."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text that ids stand for, special tokens included."""
        ...

    def chat(self, messages: Sequence[dict[str, str]], *, reply: bool) -> str:
        """A conversation written out by the model's own template; with ``reply``, up to where an answer begins.

        Raises:
            BadModel: the model has no such template.
        """
        ...


class Model(Protocol):
    """A model that sees a window of tokens at a time.

    It answers one question, :meth:`logprobs`. Which windows, what goes before them and what is counted is not its
    business.
    """

    @property
    def name(self) -> str:
        """What a reader calls it."""
        ...

    @property
    def identity(self) -> str:
        """A digest of the weights and whatever else decides its answers; equal identities answer alike."""
        ...

    @property
    def dtype(self) -> str:
        """The number format of its body, e.g. ``float32``."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer it was trained with."""
        ...

    @property
    def special(self) -> Special:
        """Its beginning and end tokens."""
        ...

    @property
    def vocabulary(self) -> int:
        """How many ids it knows."""
        ...

    @property
    def max_context(self) -> int:
        """The most tokens it can be fed at once."""
        ...

    @property
    def budget(self) -> int:
        """How many tokens of input make a batch worth its while on this device."""
        ...

    @property
    def packs(self) -> bool:
        """Whether several texts may share a row, told apart by positions that begin again at 0."""
        ...

    def logprobs(self, batch: Batch) -> Floats:
        """Natural log-probability of each target, shape (N,); ``-inf`` where it is impossible.

        Raises:
            MemoryError: the batch does not fit; a smaller one may.
        """
        ...

    def readings(self, batch: Batch, *, top: int) -> Readings:
        """The same answer with the rest of the distribution beside it.

        Raises:
            MemoryError: the batch does not fit; a smaller one may.
        """
        ...


class Corpus(Protocol):
    """Documents that can be read again from the start."""

    @property
    def name(self) -> str:
        """What a reader calls it."""
        ...

    def __iter__(self) -> Iterator[Document]:
        """The documents in order, read as they are asked for."""
        ...
