"""The choices of a protocol: one frozen record."""

from dataclasses import dataclass, fields, replace
from typing import Literal, Self, get_args, get_type_hints

from nonplus.closest import did_you_mean
from nonplus.errors import BadProtocol
from nonplus.measure.interfaces import SpecialText
from nonplus.measure.protocol.presets import PRESETS

# A model may take far more tokens; a run of hours and 100 GB must be asked for.
MOST_CONTEXT = 8192

# The choice that the number after a preset's colon sets.
SIZED = {"stride": "stride", "hf-doc": "stride", "llama.cpp": "window", "gptq": "window"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How a text becomes a figure. Two figures compare only if all choices are equal.

    * ``unit``: windows are cut from each ``document``, or from the ``stream`` of all
      documents joined by ``joiner``.
    * ``window``: tokens in a window; 0 means the maximum of the model, at most 8,192.
    * ``stride``: tokens from the start of one window to the start of the next; 0 means
      that windows do not overlap, so no token is computed twice.
    * ``cut``: ``rolling`` windows score every token once, and the last window starts
      earlier so that it has more context; a ``grid`` of windows starts at multiples of
      the stride, so the last one has less context; ``chunks`` are whole windows,
      without the tail; ``whole`` feeds each text in one window.
    * ``bos``: BOS before ``every`` window, before the ``first`` one, or before
      ``none``; ``replace``: BOS in place of the first token of each window, if the
      tokenizer adds BOS; ``eos``: EOS before the first window.
    * ``without_bos``: if the model has no BOS token, the first token is ``unscored``,
      or ``eos`` is used instead.
    * ``specials``: the tokenizer adds its special tokens, which may then be scored
      (``added``), or not (``none``); ``lm-eval``: it adds them, except to a text that
      begins with the prefix token spelled out.
    * ``special_text``: text that spells a special token, such as ``</s>``, becomes that
      token (``parsed``) or stays text (``plain``).
    * ``newlines``: CRLF and CR as they are (``keep``), or as LF (``normalise``).
    * ``last_newline``: a newline at the end of the unit stays (``keep``) or goes
      (``drop``).
    * ``scored``: ``all`` new tokens of a window, or only those in its ``second-half``.
    * ``too_long``: with ``cut="whole"``, a text longer than the window is an error
      (``refuse``) or truncated (``truncate``).
    * ``booking``: each token counts once (``exact``), or as in the loop of the Hugging
      Face documentation (``hf-doc``): a later window's mean times one token fewer than
      it scored.
    * ``average``: perplexity of the mean over ``tokens``, or the arithmetic mean of the
      perplexities of the ``texts``.
    * ``detokenize``: ``wikitext`` undoes WikiText's tokenisation before scoring.
    * ``denominator``: words and bytes of the ``scored`` text, or of the original text,
      counted as ``lm-eval`` does.
    """

    name: str = "full"
    unit: Literal["document", "stream"] = "document"
    joiner: str = "\n\n"
    window: int = 0
    stride: int = 0
    cut: Literal["rolling", "grid", "chunks", "whole"] = "rolling"
    bos: Literal["every", "first", "none", "eos", "replace"] = "every"
    without_bos: Literal["unscored", "eos"] = "unscored"
    specials: Literal["none", "added", "lm-eval"] = "none"
    special_text: SpecialText = "parsed"
    newlines: Literal["keep", "normalise"] = "keep"
    last_newline: Literal["keep", "drop"] = "keep"
    scored: Literal["all", "second-half"] = "all"
    too_long: Literal["refuse", "truncate"] = "refuse"
    booking: Literal["exact", "hf-doc"] = "exact"
    average: Literal["tokens", "texts"] = "tokens"
    detokenize: Literal["none", "wikitext"] = "none"
    denominator: Literal["scored", "lm-eval"] = "scored"

    def __post_init__(self) -> None:
        """Refuse an invalid value."""
        hints = get_type_hints(type(self))
        for each in fields(self):
            allowed, value = get_args(hints[each.name]), getattr(self, each.name)
            if allowed and not (isinstance(value, str) and value in allowed):
                meant = did_you_mean(str(value), allowed, before=f"{each.name}=") or "; use one of these"
                raise BadProtocol(f"{each.name}={value!r} is not one of {', '.join(allowed)}{meant}")
            if not allowed and (not isinstance(value, hints[each.name]) or isinstance(value, bool)):
                needed = "a whole number" if hints[each.name] is int else "text"
                raise BadProtocol(f"{each.name}={value!r} is not {needed}; use {each.name}={each.default!r}")
        if self.window < 0 or self.window == 1:
            raise BadProtocol(
                f"window={self.window} is too small; use 2 tokens or more, or window=0 for the model's maximum"
            )
        if self.stride < 0:
            raise BadProtocol(
                f"stride={self.stride} is too small; use 1 token or more, or stride=0 for disjoint windows"
            )

    @classmethod
    def named(cls, name: str) -> Self:
        """The preset of that name, such as ``full`` or, with a number, ``stride:512``.

        ``stride:S`` and ``hf-doc:S`` set the stride, ``llama.cpp:N`` and ``gptq:N`` the
        window.

        Raises:
            BadProtocol: no preset has this name, or it takes no number, or not this
                one.
        """
        if not isinstance(name, str):
            raise BadProtocol(f"a protocol is named by text, got {name!r}; use protocol=full")
        base, colon, number = name.partition(":")
        if base not in PRESETS:
            raise BadProtocol(
                f"no protocol is named {base!r}; the names are {', '.join(PRESETS)}{did_you_mean(base, PRESETS)}"
            )
        preset = cls(name=base, **PRESETS[base].choices)
        if not colon:
            return preset
        if base not in SIZED or not number.isdecimal() or len(number) > 9 or not int(number):
            raise BadProtocol(
                f"{name!r} is not a protocol: a whole number of tokens may follow {', '.join(SIZED)}, as in stride:512"
            )
        return preset.but(**{SIZED[base]: int(number)}).but(name=name)

    @staticmethod
    def written(preset: str) -> str:
        """A preset as one asks for it: ``gptq:N`` where a number may follow."""
        letters = {"stride": ":S", "window": ":N"}
        return preset + letters.get(SIZED.get(preset, ""), "")

    def with_window(self, window: int) -> str:
        """How one asks for this protocol with another window."""
        base = self.name.partition(":")[0]
        return f"protocol={base}:{window}" if SIZED.get(base) == "window" else f"window={window}"

    @property
    def asked_for(self) -> str:
        """The options that ask for it, such as ``protocol=full and stride=4``."""
        name = self.name.removesuffix("+")
        usual = type(self).named(name) if name.partition(":")[0] in PRESETS else type(self)()
        changed = [each.name for each in fields(self) if getattr(self, each.name) != getattr(usual, each.name)]
        options = [f"{each}={getattr(self, each)!r}" for each in changed if each != "name"]
        named = [f"protocol={name}"] if name != "full" or not options else []
        return " and ".join([*named, *options])

    def but(self, **choices: object) -> Self:
        """The same protocol with other ``choices``; its name gets a ``+``."""
        changed = {
            key: value
            for key, value in choices.items()
            if type(value) is not type(own := getattr(self, key, None)) or value != own
        }
        if not changed:
            return self
        unknown = sorted(set(changed) - {f.name for f in fields(self)})
        if unknown:
            known = ", ".join(f.name for f in fields(self))
            meant = did_you_mean(unknown[0], (f.name for f in fields(self)), after="=…")
            raise BadProtocol(f"a protocol has no choice named {', '.join(unknown)}; the choices are {known}{meant}")
        name = self.name if self.name.endswith("+") else f"{self.name}+"
        return replace(self, **{"name": name, **changed})  # type: ignore[arg-type]
