"""A tokenizer of ``transformers``: ids, and the bytes that each stands for."""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple, Protocol, final

import numpy as np
import tokenizers
from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from nonplus.errors import BadInput, BadModel
from nonplus.measure.gathered import GatheredText
from nonplus.measure.interfaces import GrowingEncoding, Message, Special, SpecialText
from nonplus.measure.records import Encoding, Ints
from nonplus.models.fast_encoder import FastEncoder
from nonplus.models.token_bytes import bytes_before, gives, of_signs, of_text, tiles
from nonplus.models.unknown_token import unknown_id

# Tokens decoded before each one, so that what a decoder does at the start of a text
# cancels out.
_BEFORE = 8

# A template is a program: it refuses on purpose with the first, by accident with any.
_TEMPLATE_FAULTS = (TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def _of_bytes(token: str) -> bytes:
    return token.encode("latin-1", "replace")


# How vocabularies write the bytes of a token: as GPT-2, as SentencePiece, as ByT5.
_SPELLINGS = (of_signs, of_text, _of_bytes)


class Frame(NamedTuple):
    """The special tokens that a tokenizer adds before and after a text."""

    before: Sequence[int] = ()
    after: Sequence[int] = ()


@final
class HFTokenizer:
    """The tokenizer of a model, which is used and never changed."""

    def __init__(self, tokenizer: Any) -> None:
        """Wrap ``tokenizer``; its settings for training, e.g. truncation, are ignored.

        Raises:
            BadModel: it is not a tokenizer of ``transformers``.
        """
        if not isinstance(tokenizer, PreTrainedTokenizerBase):
            raise BadModel(
                f"the model's tokenizer must be one of transformers, got {type(tokenizer).__name__}; use "
                "AutoTokenizer.from_pretrained"
            )
        self._tokenizer = tokenizer
        self._encoder = _encoder(tokenizer, plain=False)

    @cached_property
    def identity(self) -> str:
        """A digest of everything that decides the ids."""
        return hashlib.sha256(self._encoder.rules().encode()).hexdigest()

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Ids of its special tokens."""
        added = self._tokenizer.added_tokens_decoder.items()
        return frozenset(self._tokenizer.all_special_ids) | {i for i, token in added if token.special}

    @cached_property
    def unknown_id(self) -> int | None:
        """The id that stands for text without a token; ``None`` if there is none.

        A tokenizer with a token for every byte may name one that stands for text.
        """
        own = self._tokenizer
        found = unknown_id(own.backend_tokenizer) if own.is_fast else own.unk_token_id
        return None if found in (self._tokenizer.bos_token_id, self._tokenizer.eos_token_id) else found

    def encode(
        self, texts: Sequence[str], *, specials: bool, special_text: SpecialText = "parsed"
    ) -> Sequence[Encoding]:
        """Each text as ids; with ``specials``, with the automatically added tokens."""
        return self._reading(special_text).encode(texts, specials)

    def stream(self, *, specials: bool, special_text: SpecialText = "parsed") -> GrowingEncoding:
        """The tokens of a text that comes bit by bit, all at its end unless the
        tokenizer is a fast one.
        """
        return self._reading(special_text).stream(specials)

    def _reading(self, special_text: SpecialText) -> "_Encoder":
        return self._encoder if special_text == "parsed" else self._plain

    @cached_property
    def _plain(self) -> "_Encoder":
        """Reads text that spells a special token as any other."""
        return _encoder(self._tokenizer, plain=True)

    @property
    def frame(self) -> Frame:
        """What is added to a text automatically."""
        return self._encoder.frame

    def words(self, texts: Sequence[str]) -> list[Ints]:
        """The number of the word that each token of a text is a part of, shapes (T,).

        Words are what its pre-tokenizer cuts a text into. A special token that is
        spelled out is a word.

        Raises:
            BadModel: it is not a fast one, and so does not know.
        """
        return self._encoder.words(texts)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, special tokens included."""
        return _decoded(self._tokenizer, [int(i) for i in ids])

    def chat(self, messages: Sequence[Message]) -> str:
        """A conversation as text, by the model's own chat template.

        Raises:
            BadModel: the tokenizer has no chat template, or several and no default.
            BadInput: the template refuses these messages.
        """
        template, conversation = self._template(), [dict(message) for message in messages]
        try:
            text = self._tokenizer.apply_chat_template(conversation, chat_template=template, tokenize=False)
        except _TEMPLATE_FAULTS as fault:
            what = fault if isinstance(fault, TemplateError) else f"{type(fault).__name__}: {fault}"
            raise BadInput(
                f"the model's chat template refuses this conversation: {what}; change its messages, or leave it out"
            ) from None
        return str(text)

    def _template(self) -> str:
        stored = self._tokenizer.chat_template
        if not stored:
            raise BadModel(
                "this model has no chat template, and a conversation needs one; open a chat model, set "
                "tokenizer.chat_template in Python, or omit messages=… and score a field of text"
            )
        templates: dict[str, str] = stored if isinstance(stored, dict) else {"default": stored}
        if "default" not in templates:
            raise BadModel(
                f"this model has chat templates by name ({', '.join(sorted(templates))}), and none is the default; set "
                "tokenizer.chat_template to one of them, or save it in the model's folder as chat_template.jinja"
            )
        return templates["default"]

    def special(self, config: Any, *, vocabulary: int) -> Special:
        """BOS: the token that the tokenizer adds before a text, else the one it names.

        A BOS token that only ``config`` names does not count: often no training text
        began with it. For EOS, ``config`` counts too.
        """
        bos = [*self.frame.before, *_ids(self._tokenizer.bos_token_id)]
        eos = [*_ids(self._tokenizer.eos_token_id), *_ids(getattr(config, "eos_token_id", None))]
        known_bos, known_eos = ([i for i in ids if i < vocabulary] for ids in (bos, eos))
        return Special(
            bos=known_bos[0] if known_bos else None,
            eos=known_eos[0] if known_eos else None,
            begins_turns=bool(known_bos) and not self.frame.before and self._writes_itself(known_bos[0]),
        )

    def _writes_itself(self, token: int) -> bool:
        """Whether the chat template spells a token out."""
        return self.decode([token]) in str(self._tokenizer.chat_template or "")

    @property
    def id_bound(self) -> int:
        """One more than its largest id."""
        return max(self._tokenizer.get_vocab().values()) + 1

    @property
    def max_length(self) -> int:
        """The most tokens that its settings allow; huge if they name no limit."""
        return int(self._tokenizer.model_max_length)

    @property
    def size(self) -> int:
        """How many tokens it has without those that were added to its vocabulary."""
        return int(self._tokenizer.vocab_size)


class _Encoder(Protocol):
    @property
    def frame(self) -> Frame: ...

    def words(self, texts: Sequence[str]) -> list[Ints]: ...

    def encode(self, texts: Sequence[str], specials: bool) -> Sequence[Encoding]: ...

    def stream(self, specials: bool) -> GrowingEncoding: ...

    def rules(self) -> str: ...


def _encoder(tokenizer: Any, *, plain: bool) -> _Encoder:
    plain = plain or tokenizer.split_special_tokens
    return _Fast(tokenizer, plain=plain) if tokenizer.is_fast else _Slow(tokenizer, plain=plain)


@final
class _Fast:
    """Encodes with a copy of the inner Rust tokenizer, whose padding and truncation are
    switched off.
    """

    def __init__(self, tokenizer: Any, *, plain: bool) -> None:
        self._rust = tokenizers.Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self._rust.no_truncation()
        self._rust.no_padding()
        self._rust.encode_special_tokens = plain
        # A batch even for one text: `encode` would block all other Python threads, such
        # as one that feeds a GPU.
        self._encoder = FastEncoder(self._rust, partial(self._rust.encode_batch, add_special_tokens=False))

    @property
    def frame(self) -> Frame:
        return Frame(self._encoder.before, self._encoder.after)

    def words(self, texts: Sequence[str]) -> list[Ints]:
        encodings = self._rust.encode_batch(list(texts), add_special_tokens=False)
        return [_words(each.word_ids) for each in encodings]

    def encode(self, texts: Sequence[str], specials: bool) -> Sequence[Encoding]:
        return self._encoder.encode(texts, specials=specials)

    def stream(self, specials: bool) -> GrowingEncoding:
        return self._encoder.stream(specials=specials)

    def rules(self) -> str:
        return str(self._rust.to_str())


@final
class _Slow:
    """Encodes with a tokenizer without offsets.

    A token stands for the bytes that it spells, if all together spell the text, else
    for the text that it adds when it is decoded after others.
    """

    def __init__(self, tokenizer: Any, *, plain: bool) -> None:
        self._tokenizer = tokenizer
        self._plain = plain

    @property
    def frame(self) -> Frame:
        return self._framed(self._tokenizer.encode("a", add_special_tokens=False))

    def words(self, texts: Sequence[str]) -> list[Ints]:
        raise BadModel(
            f"{type(self._tokenizer).__name__} does not say which tokens are a word; use the model's fast tokenizer "
            "(tokenizer.json), or mask each token alone, as in mlm:NAME#original"
        )

    def encode(self, texts: Sequence[str], specials: bool) -> list[Encoding]:
        return [self._encoding(text, specials) for text in texts]

    def stream(self, specials: bool) -> GrowingEncoding:
        return GatheredText(partial(self.encode, specials=specials))

    def rules(self) -> str:
        options = self._tokenizer.init_kwargs.items()
        own = {key: str(value) for key, value in options if not key.endswith(("_file", "_path"))}
        return json.dumps([type(self._tokenizer).__name__, own, self._tokenizer.get_vocab()], sort_keys=True)

    def _encoding(self, text: str, specials: bool) -> Encoding:
        bare = self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=self._plain)
        stop_T = self._stops(text, bare)
        frame = self._framed(bare) if specials else Frame()
        stops = np.concatenate([[0] * len(frame.before), stop_T, stop_T[-1:].repeat(len(frame.after))])
        return Encoding(np.array([*frame.before, *bare, *frame.after], np.int64), stops.astype(np.int64))

    def _framed(self, bare: list[int]) -> Frame:
        """The tokens that are added around these."""
        full = self._tokenizer.build_inputs_with_special_tokens(bare)
        before = next(i for i in range(len(full) + 1) if full[i : i + len(bare)] == bare)
        return Frame(full[:before], full[before + len(bare) :])

    def _stops(self, text: str, ids: list[int]) -> Ints:
        """The byte at which each token ends."""
        data, tokens = text.encode(), self._tokenizer.convert_ids_to_tokens(ids)
        for spell in _SPELLINGS:
            spelled = [spell(token) for token in tokens]
            if gives(data, b"".join(spelled)):
                return tiles(np.array(list(map(len, spelled)), np.int64), len(data))
        return np.asarray(bytes_before(text)[self._decoded_stops(text, ids)])

    def _decoded_stops(self, text: str, ids: list[int]) -> Ints:
        """The character at which each token ends; one belongs to its last byte.

        Raises:
            BadModel: the ids do not decode to the text, so that they are unknown.
        """
        lengths = [self._added(ids[max(0, i - _BEFORE) : i], ids[i]) for i in range(len(ids))]
        # from the end, because half a character may decode to more characters than it
        stop_T = np.minimum.accumulate(np.cumsum(np.array(lengths, np.int64))[::-1])[::-1]
        if _decoded(self._tokenizer, ids) != text or stop_T[-1:].sum() != len(text):
            raise BadModel(
                f"{type(self._tokenizer).__name__} gives no offsets, and does not decode its ids to the text that "
                f"begins {text[:40]!r}; use the model's fast tokenizer (tokenizer.json)"
            )
        return stop_T

    def _added(self, before: list[int], token: int) -> int:
        return len(_decoded(self._tokenizer, [*before, token])) - len(_decoded(self._tokenizer, before))


def _words(word_ids: Sequence[int | None]) -> Ints:
    """Numbers of words; those without one get negative ones, all different."""
    numbers = (-1 - place if word is None else word for place, word in enumerate(word_ids))
    return np.fromiter(numbers, np.int64, len(word_ids))


def _decoded(tokenizer: Any, ids: list[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))


def _ids(value: Any) -> list[int]:
    """An id, a list of ids, or no id, as a list."""
    if value is None:
        return []
    return [int(i) for i in value] if isinstance(value, list | tuple) else [int(value)]
