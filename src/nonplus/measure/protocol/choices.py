"""The choices themselves: one frozen record."""

from dataclasses import dataclass, fields, replace
from typing import Literal, Self, get_args, get_type_hints

from nonplus.errors import BadProtocol
from nonplus.measure.protocol.presets import PRESETS

MOST_CONTEXT = 8192  # a model may take far more; a figure that needs hours and 100 GB is asked for, not stumbled upon

# The choice that the number after a preset's colon sets.
_SIZED = {"stride": "stride", "hf-doc": "stride", "llama.cpp": "window", "gptq": "window"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How a text becomes a figure. Two figures compare only if all of this is equal.

    * ``unit``: windows are cut from each ``document``, or from the ``stream`` of all documents joined by ``joiner``.
    * ``window``: tokens fed at once; 0 means as many as the model takes, at most 8,192.
    * ``stride``: how far windows move on; 0 means as far as they reach, so that no token is computed twice.
    * ``cut``: ``rolling`` windows score every token once and fill the last window up with context;
      a ``grid`` of windows begins at multiples of the stride, the last one having less context; ``chunks`` are whole
      windows, with the tail dropped; ``whole`` feeds each text in one piece.
    * ``bos``: what goes before a window: the beginning token before ``every`` one, before the ``first`` one,
      ``none``, ``replace`` the first token of each window where the tokenizer adds one, or the end token (``eos``)
      before the first one.
    * ``without_bos``: a model that has no beginning token leaves the first token ``unscored`` or uses its ``eos``.
    * ``specials``: whether the tokenizer adds special tokens of its own accord (they may then be scored).
    * ``scored``: ``all`` tokens of a window that are new in it, or only those in its ``second-half``.
    * ``too_long``: with ``cut="whole"``, a text longer than the window is an error (``refuse``) or cut (``truncate``).
    * ``booking``: each token counts once (``exact``), or as the loop in the Hugging Face documentation books it
      (``hf-doc``): a later window's mean times one token fewer than it scored.
    * ``average``: perplexity of the mean over ``tokens``, or the arithmetic mean of the ``texts``' perplexities.
    * ``detokenize``: ``wikitext`` undoes WikiText's tokenisation before scoring.
    * ``denominator``: words and bytes of the text that was ``scored``, or of the original counted as ``lm-eval`` does.
    """

    name: str = "full"
    unit: Literal["document", "stream"] = "document"
    joiner: str = "\n\n"
    window: int = 0
    stride: int = 0
    cut: Literal["rolling", "grid", "chunks", "whole"] = "rolling"
    bos: Literal["every", "first", "none", "eos", "replace"] = "every"
    without_bos: Literal["unscored", "eos"] = "unscored"
    specials: bool = False
    scored: Literal["all", "second-half"] = "all"
    too_long: Literal["refuse", "truncate"] = "refuse"
    booking: Literal["exact", "hf-doc"] = "exact"
    average: Literal["tokens", "texts"] = "tokens"
    detokenize: Literal["none", "wikitext"] = "none"
    denominator: Literal["scored", "lm-eval"] = "scored"

    def __post_init__(self) -> None:
        """Refuse a value that is not one of the choices."""
        hints = get_type_hints(type(self))
        for each in fields(self):
            allowed, value = get_args(hints[each.name]), getattr(self, each.name)
            if allowed and value not in allowed:
                raise BadProtocol(f"{each.name} must be one of {', '.join(allowed)}; got {value!r}")
        if self.window < 0 or self.window == 1:
            raise BadProtocol(f"window must be at least 2 tokens, or 0 for the model's own; got {self.window}")
        if self.stride < 0:
            raise BadProtocol(f"stride must be at least 1 token, or 0 for disjoint windows; got {self.stride}")

    @classmethod
    def named(cls, name: str) -> Self:
        """The preset of that name; ``stride:S``, ``hf-doc:S``, ``llama.cpp:N`` and ``gptq:N`` set the number too.

        Raises:
            BadProtocol: no preset has this name, or the number is invalid or means nothing for it.
        """
        base, colon, number = name.partition(":")
        if base not in PRESETS:
            raise BadProtocol(f"no protocol is named {base!r}; the names are {', '.join(PRESETS)}")
        preset = cls(name=base, **PRESETS[base].choices)
        if not colon:
            return preset
        if base not in _SIZED or not number.isdecimal() or len(number) > 9 or not int(number):
            raise BadProtocol(
                f"{name!r} is not a protocol: a whole number of tokens may follow {', '.join(_SIZED)}, as in stride:512"
            )
        return preset.but(**{_SIZED[base]: int(number)}).but(name=name)

    def but(self, **choices: object) -> Self:
        """The same protocol with some choices made otherwise; its name says so."""
        changed = {key: value for key, value in choices.items() if value != getattr(self, key, None)}
        if not changed:
            return self
        unknown = sorted(set(changed) - {f.name for f in fields(self)})
        if unknown:
            raise BadProtocol(f"a protocol has no choice named {', '.join(unknown)}; see nonplus protocols")
        name = self.name if self.name.endswith("+") else f"{self.name}+"
        return replace(self, **{"name": name, **changed})  # type: ignore[arg-type]
