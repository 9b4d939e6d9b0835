"""A tokenizer of ``transformers``: ids with the characters that each stands for."""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol, final

import numpy as np
import tokenizers
from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from nonplus.errors import BadInput, BadModel
from nonplus.measure.interfaces import Special
from nonplus.measure.records import Encoding, Ints

_BEFORE = 8  # tokens decoded with each one: what a decoder does at the start of a text then cancels out


@final
class HFTokenizer:
    """The tokenizer of a model, used and never changed."""

    def __init__(self, tokenizer: Any) -> None:
        """Wrap ``tokenizer``; what is set in it for training, such as truncation, does not apply here.

        Raises:
            BadModel: it is none.
        """
        if not isinstance(tokenizer, PreTrainedTokenizerBase):
            raise BadModel(
                "a model needs a tokenizer of transformers, e.g. AutoTokenizer.from_pretrained, got "
                f"{type(tokenizer).__name__}"
            )
        self._tokenizer = tokenizer
        self._encoder = _Fast(tokenizer) if tokenizer.is_fast else _Slow(tokenizer)

    @cached_property
    def identity(self) -> str:
        """A digest of everything that decides the ids."""
        return hashlib.sha256(self._encoder.rules().encode()).hexdigest()

    def encode(self, texts: Sequence[str], *, specials: bool) -> list[Encoding]:
        """Each text as ids with their characters; with ``specials``, as the tokenizer's own template has it."""
        return self._encoder.encode(texts, specials)

    def decode(self, ids: Sequence[int]) -> str:
        """The text that ids stand for, special tokens included."""
        return _decoded(self._tokenizer, [int(i) for i in ids])

    def chat(self, messages: Sequence[dict[str, str]], *, reply: bool) -> str:
        """A conversation written out by the model's own template; with ``reply``, up to where an answer begins.

        Raises:
            BadModel: the tokenizer has no template.
            BadInput: the template refuses these messages.
        """
        if not self._tokenizer.chat_template:
            raise BadModel(
                f"the tokenizer of {self._tokenizer.name_or_path or 'this model'} has no chat template, so a "
                "conversation cannot be written out; give it as one text, or set tokenizer.chat_template"
            )
        try:
            text = self._tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=reply)
        except TemplateError as fault:
            raise BadInput(f"the model's chat template refuses this conversation: {fault}; change its roles") from None
        return str(text)

    def special(self, config: Any, *, vocabulary: int) -> Special:
        """What the tokenizer itself puts before a text, else what it calls the beginning; and the end of a text.

        A beginning that only ``config`` names does not count: such a token often never stood before a text in training.
        """
        bos = [*self._leading(), *_ids(self._tokenizer.bos_token_id)]
        eos = [*_ids(self._tokenizer.eos_token_id), *_ids(getattr(config, "eos_token_id", None))]
        known_bos, known_eos = ([i for i in ids if i < vocabulary] for ids in (bos, eos))
        return Special(bos=known_bos[0] if known_bos else None, eos=known_eos[0] if known_eos else None)

    @property
    def max_length(self) -> int:
        """The most tokens that its own settings allow; a huge number where they say nothing."""
        return int(self._tokenizer.model_max_length)

    def _leading(self) -> list[int]:
        full: list[int]
        bare, full = (self.encode(["a"], specials=own)[0].ids.tolist() for own in (False, True))
        return full[: next((i for i in range(len(full)) if full[i : i + len(bare)] == bare), 0)]


class _Encoder(Protocol):
    def encode(self, texts: Sequence[str], specials: bool) -> list[Encoding]: ...

    def rules(self) -> str: ...


@final
class _Fast:
    """Encodes with the Rust tokenizer inside: a copy, so that padding and truncation set in the original stay there."""

    def __init__(self, tokenizer: Any) -> None:
        self._rust = tokenizers.Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self._rust.no_truncation()
        self._rust.no_padding()
        self._rust.encode_special_tokens = tokenizer.split_special_tokens

    def encode(self, texts: Sequence[str], specials: bool) -> list[Encoding]:
        # A batch even of one: `encode` would hold up every other thread of Python, such as one that feeds a GPU.
        encodings = self._rust.encode_batch(list(texts), add_special_tokens=specials)
        return [
            Encoding(np.array(each.ids, np.int64), np.array(each.offsets, np.int64).reshape(-1, 2))
            for each in encodings
        ]

    def rules(self) -> str:
        return str(self._rust.to_str())


@final
class _Slow:
    """Encodes with a tokenizer that does not say which characters a token stands for: what it adds when decoded."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def encode(self, texts: Sequence[str], specials: bool) -> list[Encoding]:
        return [self._encoding(text, specials) for text in texts]

    def rules(self) -> str:
        options = self._tokenizer.init_kwargs.items()
        own = {key: str(value) for key, value in options if not key.endswith(("_file", "_path"))}
        return json.dumps([type(self._tokenizer).__name__, own, self._tokenizer.get_vocab()], sort_keys=True)

    def _encoding(self, text: str, specials: bool) -> Encoding:
        bare = self._tokenizer.encode(text, add_special_tokens=False)
        stop_T = self._stops(text, bare)
        spans = np.stack([np.concatenate([[0], stop_T])[:-1], stop_T], axis=1)
        full = self._tokenizer.build_inputs_with_special_tokens(bare) if specials else bare
        before = next(i for i in range(len(full) + 1) if full[i : i + len(bare)] == bare)
        after = len(full) - before - len(bare)
        return Encoding(np.array(full, np.int64), np.pad(spans, ((before, after), (0, 0))))

    def _stops(self, text: str, ids: list[int]) -> Ints:
        """Where the text of each token ends; the last byte of a character has all of it.

        Raises:
            BadModel: ids do not turn into the text again, so that their characters are not known.
        """
        lengths = [self._added(ids[max(0, i - _BEFORE) : i], ids[i]) for i in range(len(ids))]
        # from the end, because half a character may show as more signs than the whole
        stop_T = np.minimum.accumulate(np.cumsum(np.array(lengths, np.int64))[::-1])[::-1]
        if _decoded(self._tokenizer, ids) != text or stop_T[-1:].sum() != len(text):
            raise BadModel(
                f"{type(self._tokenizer).__name__} does not say which characters a token stands for, and what it "
                f"decodes is not the text that begins {text[:40]!r}; use the model's fast tokenizer (tokenizer.json)"
            )
        return stop_T

    def _added(self, before: list[int], token: int) -> int:
        return len(_decoded(self._tokenizer, [*before, token])) - len(_decoded(self._tokenizer, before))


def _decoded(tokenizer: Any, ids: list[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))


def _ids(value: Any) -> list[int]:
    """An id, several or none as a list: configurations have it all three ways."""
    if value is None:
        return []
    return [int(i) for i in value] if isinstance(value, list | tuple) else [int(value)]
