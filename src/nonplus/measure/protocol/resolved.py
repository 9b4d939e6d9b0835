"""A protocol applied to a model: every number filled in, and the windows that follow
from it.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from nonplus.errors import BadProtocol
from nonplus.measure.interfaces import Quantity, WindowModel
from nonplus.measure.protocol.choices import MOST_CONTEXT, Protocol
from nonplus.measure.protocol.fingerprint import fingerprint_of
from nonplus.measure.records import Floats, TokenizedTexts, Tokens, Window, Windows
from nonplus.measure.runs import ranges
from nonplus.measure.windows import Reach, chunk_windows, grid_windows, headed_windows, windows

_COLUMNS = tuple(field.name for field in fields(Windows))
_DOUBLED = "the tokenizer adds BOS and the protocol adds another; the second BOS is scored"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedProtocol:
    """A protocol with nothing left open: what decides a figure besides the model's
    weights and the text.

    ``choices`` has its window and stride filled in; ``prefix`` holds the token ids that
    go before a prefixed window (none or one); ``dtype`` is the dtype of the
    model's body. ``cautions`` say where the figure of this protocol is known to mislead
    with this model.
    """

    choices: Protocol
    prefix: tuple[int, ...]
    dtype: str
    cautions: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that differ whenever a choice does; the protocol's
        name is none.

        Of the other choices only those count that are not the default, so a choice that
        is added later changes no fingerprint.
        """
        usual = asdict(Protocol(name=self.choices.name)) | {"window": None, "stride": None}
        choices = {key: value for key, value in self.as_dict().items() if key not in usual or value != usual[key]}
        return fingerprint_of(choices)

    @property
    def quantity(self) -> Quantity:
        """Perplexity: a window holds only tokens before the one that is predicted."""
        return "perplexity"

    @property
    def average(self) -> Literal["tokens", "texts"]:
        """Perplexity of the mean over tokens, or the arithmetic mean of the texts'
        perplexities.
        """
        return self.choices.average

    @property
    def denominator(self) -> Literal["scored", "lm-eval"]:
        """Words and bytes of the text that was scored, or of the original, counted as
        lm-eval does.
        """
        return self.choices.denominator

    def as_dict(self) -> dict[str, Any]:
        """Every choice, for JSON."""
        return asdict(self.choices) | {"prefix": list(self.prefix), "dtype": self.dtype}

    @property
    def signature(self) -> str:
        """The choices in words, short enough to print beside the figure."""
        choices, usual = asdict(self.choices), asdict(Protocol())
        prefix = f"({self.prefix[0]})" if self.prefix else "(none)"
        always = [choices["name"], f"window:{choices['window']}", f"stride:{choices['stride']}"]
        always += [f"bos:{choices['bos']}{prefix}", f"dtype:{self.dtype}"]
        special = [
            f"{key}:{value if isinstance(value, str) and value.isprintable() and value else json.dumps(value)}"
            for key, value in choices.items()
            if value != usual[key] and key not in ("name", "window", "stride", "bos")
        ]
        return "|".join(always + special)

    def windows(self, tokens: Tokens, reach: Reach | None = None) -> Iterator[Window]:
        """The windows of a tokenised text; ``tokens`` may be the first ones of it if
        ``reach`` tells how many there are.

        Raises:
            BadProtocol: the text is too long or too short for this protocol.
        """
        cut = {"rolling": self._rolling, "grid": self._grid, "chunks": self._chunks, "whole": self._whole}
        all_ = cut[self.choices.cut](tokens, reach or partial(min, len(tokens.ids)))
        return (self._without_doubled_prefix(window, tokens) for window in all_)

    def windows_of(self, texts: TokenizedTexts) -> Windows:
        """The windows of many texts; those of which :meth:`windows` sees the same are
        cut only once.

        Raises:
            BadProtocol: a text is too long or too short for this protocol.
        """
        prefixed_D = texts.ids[texts.offsets[:-1]] == np.array(self.prefix[:1] or [-1])
        seen_D = np.stack([np.diff(texts.offsets), texts.firsts, prefixed_D], axis=1)
        _, place_K, kind_D = np.unique(seen_D, axis=0, return_index=True, return_inverse=True)
        order_K = np.argsort(place_K)  # so that the first text that does not suit is the one that is named
        cut = [Windows.of(list(self.windows(texts[place])), place) for place in place_K[order_K].tolist()]
        count_K = np.array(list(map(len, cut)))
        begin_K = np.cumsum(count_K) - count_K
        rank_D = np.argsort(order_K)[kind_D.ravel()]
        count_D = count_K[rank_D]
        columns = (np.concatenate([getattr(each, name) for each in cut]) for name in _COLUMNS)
        of_kinds = Windows(*columns).at(ranges(begin_K[rank_D], count_D))
        return replace(of_kinds, document=np.repeat(np.arange(len(texts)), count_D))

    def weights(self, windows: Windows) -> Floats:
        """How often each token scored in a window counts, shape (W,)."""
        n_W = windows.stop - windows.first
        # The loop's windows lose a label where their own first token is new to them: in
        # the first, or without overlap.
        new_W = (windows.start == 0) | (self.choices.stride == self.choices.window)
        whole_W = np.full(len(n_W), self.choices.booking == "exact") | (~windows.prefixed & new_W)
        return np.where(whole_W, 1.0, (n_W - 1) / n_W)

    def _rolling(self, tokens: Tokens, reach: Reach) -> Iterator[Window]:
        choices, first = self.choices, self._first(tokens)
        if choices.bos == "every" and self.prefix:
            room = choices.window - 1
            return windows(reach, room=room, stride=min(choices.stride, room), first=first, prefixed=True)
        if self.prefix and not self._doubled(tokens):
            return headed_windows(reach, context=choices.window, stride=choices.stride, first=first)
        return windows(reach, room=choices.window, stride=choices.stride, first=first)

    def _grid(self, tokens: Tokens, reach: Reach) -> Iterator[Window]:
        return grid_windows(reach, context=self.choices.window, stride=self.choices.stride, first=tokens.first)

    def _chunks(self, tokens: Tokens, reach: Reach) -> Iterator[Window]:
        size = self.choices.window
        fewest = 2 * size if self.choices.scored == "second-half" else size
        if (n := reach(fewest)) < fewest:
            raise BadProtocol(
                f"{self.choices.name} needs at least {fewest} tokens, the text has {n}; "
                f"use a smaller window=…, or protocol=full, which scores a text of any length"
            )
        skip = size // 2 + 1 if self.choices.scored == "second-half" else 1
        replaced = self.choices.bos == "replace" and bool(self.prefix)
        for window in chunk_windows(reach, context=size, skip=skip, first=tokens.first):
            yield replace(window, start=window.start + 1, prefixed=True) if replaced else window

    def _whole(self, tokens: Tokens, reach: Reach) -> Iterator[Window]:
        room = self.choices.window - len(self.prefix)
        if (n := reach(sys.maxsize)) > room and self.choices.too_long == "refuse":
            raise BadProtocol(
                f"{self.choices.name} feeds a text in one piece of at most {room} tokens, and "
                f"{tokens.document.id} has {n}; cut the text, or use protocol=full, which cuts windows"
            )
        first, stop = self._first(tokens), min(n, room)
        if first < stop:
            yield Window(0, first, stop, bool(self.prefix))

    def _first(self, tokens: Tokens) -> int:
        """The first token that has something before it."""
        return max(tokens.first, 0 if self.prefix and not self._doubled(tokens) else 1)

    def _begins_with_prefix(self, tokens: Tokens) -> bool:
        return bool(self.prefix) and bool(len(tokens.ids)) and int(tokens.ids[0]) == self.prefix[0]

    def _doubled(self, tokens: Tokens) -> bool:
        """Whether the ids bring the prefix themselves; a protocol that asks for
        specials gets it twice, as its peer.
        """
        return self.choices.specials == "none" and self._begins_with_prefix(tokens)

    def _without_doubled_prefix(self, window: Window, tokens: Tokens) -> Window:
        doubled = window.prefixed and window.start == 0 and self._doubled(tokens)
        return replace(window, prefixed=False) if doubled else window


def resolve(protocol: Protocol, model: WindowModel) -> ResolvedProtocol:
    """Fill in what a protocol leaves to the model.

    Raises:
        BadProtocol: the choices contradict each other or the model.
    """
    _refuse_idle(protocol)
    prefix, cautions = _prefix(protocol, model)
    cautions += tuple(_ordinary(model, prefix))
    window = protocol.window or min(model.max_context, MOST_CONTEXT)
    if window > model.max_context:
        raise BadProtocol(
            f"window={window} is longer than the {model.max_context} tokens that {model.name} takes; "
            f"use {protocol.with_window(model.max_context)} or less"
        )
    if prefix and protocol.cut in ("grid", "chunks") and protocol.bos != "replace":
        raise BadProtocol(
            f"cut={protocol.cut} leaves no room for BOS in its windows, got bos={protocol.bos}; "
            "use bos=none, or protocol=stride:S, which has one before every window"
        )
    if protocol.bos == "replace" and protocol.cut != "chunks":
        raise BadProtocol(f"bos=replace needs cut=chunks, got cut={protocol.cut}; use bos=every")
    room = window - len(prefix) if protocol.bos == "every" else window
    if protocol.stride > room:
        raise BadProtocol(
            f"stride={protocol.stride} is more than the {room} tokens that are new in a window; "
            f"use stride={room} or less; stride=0 stands for disjoint windows"
        )
    filled = protocol.but(window=window, stride=protocol.stride or room).but(name=protocol.name)
    if protocol.booking == "hf-doc" and filled.stride < window:
        cautions += (f"this loop counts only {filled.stride - 1} of every {filled.stride} tokens that it scores",)
    return ResolvedProtocol(choices=filled, prefix=prefix, dtype=model.dtype, cautions=cautions)


def _refuse_idle(protocol: Protocol) -> None:
    """A choice that changes nothing would be printed beside the figure as if it did."""
    whole_pieces = protocol.cut in ("chunks", "whole")
    idle = {
        "stride": whole_pieces and protocol.stride != 0 and f"cut={protocol.cut}",
        "scored": protocol.cut != "chunks" and protocol.scored != "all" and f"cut={protocol.cut}",
        "too_long": protocol.cut != "whole" and protocol.too_long != "refuse" and f"cut={protocol.cut}",
        "average": protocol.unit == "stream" and protocol.average == "texts" and "unit=stream",
        "joiner": protocol.unit == "document" and protocol.joiner != Protocol().joiner and "unit=document",
        "without_bos": protocol.bos in ("none", "eos") and protocol.without_bos == "eos" and f"bos={protocol.bos}",
        "denominator": protocol.cut != "rolling" and protocol.denominator == "lm-eval" and f"cut={protocol.cut}",
    }
    for choice, beside in idle.items():
        if beside:
            stated = f"{choice}={getattr(protocol, choice)!r}"
            raise BadProtocol(f"{stated} has no effect with {beside}; omit {stated}")


def _prefix(protocol: Protocol, model: WindowModel) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The prefix of windows, and what is wrong with it."""
    special = model.special
    if protocol.bos == "none":
        return (), ()
    if protocol.bos == "eos":
        if special.eos is None:
            raise BadProtocol(f"bos=eos needs an EOS token, and {model.name} has none; use bos=every or bos=none")
        wrong = special.bos is not None and special.bos != special.eos
        caution = f"{model.name} was trained with another token than EOS before a text"
        return (special.eos,), (caution,) if wrong else ()
    if protocol.bos == "replace":
        return ((special.bos,), ()) if special.bos is not None and _adds(model, special.bos) else ((), ())
    if special.bos is not None:
        doubled = protocol.specials != "none" and _adds(model, special.bos)
        return (special.bos,), (*([_DOUBLED] if doubled else []), *_of_chats(model))
    if protocol.without_bos == "eos" and special.eos is not None:
        return (special.eos,), ()
    return (), ()


def _of_chats(model: WindowModel) -> Iterator[str]:
    """A caution if BOS is what begins the turns of a chat."""
    if model.special.begins_turns:
        yield (
            f"the BOS token of {model.name} begins the turns of its chats, and other texts of its training may have "
            "begun with another token or none; compare with bos=none"
        )


def _adds(model: WindowModel, bos: int) -> bool:
    """Whether the tokenizer puts BOS before a text."""
    (probe,) = model.tokenizer.encode(["a"], specials=True)
    return bool(len(probe.ids)) and int(probe.ids[0]) == bos


def _ordinary(model: WindowModel, prefix: tuple[int, ...]) -> Iterator[str]:
    """A caution for each token of the prefix that a text may hold as one of its own."""
    for token in prefix:
        spelled = model.tokenizer.decode([token])
        (probe,) = model.tokenizer.encode([spelled], specials=False, special_text="plain")
        if probe.ids.tolist() == [token]:
            role = "BOS" if token == model.special.bos else "EOS"
            yield (
                f"the {role} token of {model.name}, id {token}, is {spelled!r}, which texts hold too, so it does not "
                "mark where a text begins; check the model's configuration, or use bos=none"
            )
