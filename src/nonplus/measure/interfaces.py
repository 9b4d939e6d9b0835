"""What a tokenizer and a model are: the seams where any implementation can be put in.

Letters in shapes: N positions asked for, M of them in a chunk, V vocabulary.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Batch, Document, Encoding, Floats, Ints
from nonplus.measure.scores import ScoredTexts
from nonplus.measure.surprisals import Surprisals
from nonplus.measure.utf8_texts import Utf8Texts

Message = Mapping[str, Any]  # a turn of a conversation: role, content, and what else a chat template reads
# Text that spells a special token, such as ``</s>``, is read as that token, or as text.
SpecialText = Literal["parsed", "plain"]
NO_LIMIT = 1 << 20  # what ``max_context`` is of a model that takes any number of tokens
# What the exponential of a mean surprisal is. ``perplexity``: each token was predicted
# from those before it, so that the surprisals add up to that of the text.
# ``pseudo-perplexity``: from those around it, as by masked models.
# ``conditional perplexity``: also from another text, as by encoder-decoder models.
Quantity = Literal["perplexity", "pseudo-perplexity", "conditional perplexity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Special:
    """A model's BOS and EOS token ids; ``None`` for one that it does not have.

    ``bos`` is set only if the model was trained with a token before a text's first one:
    the token that its tokenizer adds there automatically, else the one that its
    tokenizer names as BOS. ``begins_turns``: BOS begins the turns of a chat, so that
    other texts may have begun with another token, or with none.
    """

    bos: int | None
    eos: int | None
    begins_turns: bool = False


class KnownTokens(Protocol):
    """What is known of a model's tokens, also where a server or a file tells what they
    are, and no text can be encoded here.
    """

    @property
    def identity(self) -> str:
        """A digest of everything that decides the ids."""
        ...

    @property
    def special_ids(self) -> frozenset[int]:
        """Ids of its special tokens, which a text may spell out."""
        ...

    @property
    def unknown_id(self) -> int | None:
        """The id that stands for text without a token; ``None`` if there is none."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, special tokens included."""
        ...

    def chat(self, messages: Sequence[Message]) -> str:
        """A conversation as text, by the model's own chat template.

        Raises:
            BadModel: the model has no chat template.
            BadInput: the template refuses these messages.
        """
        ...


@runtime_checkable
class HasEncode(Protocol):
    """The one method that makes a tokenizer."""

    def encode(
        self, texts: Sequence[str], *, specials: bool, special_text: SpecialText = "parsed"
    ) -> Sequence[Encoding]:
        """Each text as ids; with ``specials``, with the automatically added tokens.

        A list, or :class:`Encodings`, which spares the work for each short text.

        ``special_text="plain"`` reads text that spells a special token as any other.
        """
        ...


@runtime_checkable
class Tokenizer(KnownTokens, HasEncode, Protocol):
    """Text to ids and back."""


class GrowingEncoding(Protocol):
    """The tokens of a text that comes bit by bit: those of the whole text.

    The byte ends are of the whole, too. A token is given once no text after it can
    change it.
    """

    def feed(self, text: str) -> Encoding:
        """Tokens that are certain once ``text`` follows; there may be none."""
        ...

    def end(self) -> Encoding:
        """Those that are left when nothing follows."""
        ...


@runtime_checkable
class HasStreams(Protocol):
    """A tokenizer that need not have a whole text in memory.

    Protocols over a stream keep all of the text if it has no such method.
    """

    def stream(self, *, specials: bool, special_text: SpecialText = "parsed") -> GrowingEncoding:
        """A text that is still to come; the options are those of ``encode``."""
        ...


class StatedProtocol(Protocol):
    """All that decides a figure besides the weights and the text."""

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
    def quantity(self) -> Quantity:
        """What the figure is; one quantity does not compare with another."""
        ...

    @property
    def average(self) -> Literal["tokens", "texts"]:
        """What is averaged.

        ``tokens``: perplexity is that of the mean over tokens; ``texts``: the
        arithmetic mean of the texts' perplexities.
        """
        ...

    @property
    def denominator(self) -> Literal["scored", "lm-eval"]:
        """Which words and bytes are counted.

        ``scored``: those of the scored text; ``lm-eval``: those of the original, as
        lm-eval counts them.
        """
        ...

    def as_dict(self) -> dict[str, Any]:
        """Every choice, for JSON."""
        ...


class AnyModel(Protocol):
    """What both kinds of model state about themselves."""

    @property
    def name(self) -> str:
        """A name for readers."""
        ...

    @property
    def identity(self) -> str:
        """A digest of the weights and all else that decides its scores.

        Models with equal identities give equal scores. It is empty if nothing tells the
        weights from others; then no run can be resumed.
        """
        ...

    @property
    def dtype(self) -> str:
        """The dtype in which its body computes, e.g. ``float32``."""
        ...

    @property
    def tokenizer(self) -> KnownTokens:
        """The tokens it was trained with."""
        ...

    @property
    def vocabulary(self) -> int | None:
        """The number of token ids that have a probability; ``None`` if unknown."""
        ...


class EncodingModel(AnyModel, Protocol):
    """A model whose texts are encoded here."""

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer it was trained with."""
        ...

    @property
    def vocabulary(self) -> int:
        """The number of token ids that have a probability."""
        ...


@runtime_checkable
class HasLogprobs(Protocol):
    """The one method that makes a window model."""

    def logprobs(self, batch: Batch) -> Floats:
        """Natural log-probability of each target, shape (N,).

        It is ``-inf`` for probability 0.

        Raises:
            MemoryError: the batch does not fit; a smaller one may.
        """
        ...


class WindowModel(EncodingModel, HasLogprobs, Protocol):
    """A model that sees a window of tokens at a time.

    It knows nothing of how windows are cut, what goes before them, or what is counted.
    """

    @property
    def special(self) -> Special:
        """Its BOS and EOS tokens."""
        ...

    @property
    def max_context(self) -> int:
        """The most tokens it can be fed at once; ``NO_LIMIT`` if that is any number."""
        ...

    @property
    def budget(self) -> int:
        """The number of input tokens in a batch that keeps its device busy."""
        ...

    @property
    def packs(self) -> bool:
        """Whether several texts may share a row.

        Their positions then begin again at 0 with each text.
        """
        ...


@runtime_checkable
class HasDistributions(Protocol):
    """A window model that also gives whole distributions."""

    def distributions(self, batch: Batch) -> Iterator[NDArray[np.floating[Any]]]:
        """Log-probabilities of all tokens at the positions asked for.

        They come in the order of the positions, as chunks (M, V) of float32, or of
        float64 if the body computes in that. The size of a chunk is bounded, whatever
        that of the batch. Read a chunk before you ask for the next, which may overwrite
        it, and do not write to it.

        Raises:
            MemoryError: the batch does not fit; a smaller one may.
        """
        ...


@runtime_checkable
class HasPrefixes(Protocol):
    """A window model that can keep its state after some tokens."""

    def prefix(self, tokens: Sequence[int]) -> "Prefix":
        """The state after ``tokens``; a BOS token, if wanted, is the first of them.

        Raises:
            BadInput: there is no token, or more than ``max_context``, or one that the
                model does not know.
        """
        ...


class Prefix(Protocol):
    """A model's state after some tokens.

    Continuations are scored or generated from it at the cost of their own tokens. It
    never changes: :meth:`extended` returns another one.
    """

    @property
    def tokens(self) -> Ints:
        """The tokens fed so far."""
        ...

    def distribution(self) -> NDArray[np.floating[Any]]:
        """Log-probabilities of the next token, shape (V,); the caller's own array."""
        ...

    def logprobs(self, continuation: Sequence[int]) -> Floats:
        """Natural log-probability of each token of a continuation after all before it.

        The last one is not fed, so that a continuation may end one token after
        ``max_context``.

        Raises:
            BadInput: it is too long, or has a token that the model does not know.
        """
        ...

    def extended(self, tokens: Sequence[int]) -> "Prefix":
        """The state after ``tokens`` more.

        Raises:
            BadInput: there are too many tokens, or one that the model does not know.
        """
        ...


@runtime_checkable
class ScoresTexts(Protocol):
    """The one method that makes a text scorer."""

    def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
        """Documents with the surprisal of each token, in order, many at a time.

        Documents are read only as the results are consumed. With ``alternatives`` above
        0, each batch has readings with that number of the most probable tokens.

        Raises:
            BadModel: it has no readings to give.
        """
        ...


class TextScorer(AnyModel, ScoresTexts, Protocol):
    """A model that scores whole documents in its own way.

    For example an n-gram model, a masked or an encoder-decoder model, a remote one, or
    precomputed scores.
    """

    @property
    def protocol(self) -> StatedProtocol:
        """How it turns a text into tokens and a figure."""
        ...


@runtime_checkable
class HasSurprisals(Protocol):
    """A text scorer that gives no more of its tokens than sums over them need."""

    def surprisals(self, texts: Utf8Texts) -> Surprisals:
        """The scored tokens of each text, in the thread that calls.

        A text in which it sees no word has none.

        Raises:
            BadModel: it cannot score them.
        """
        ...
