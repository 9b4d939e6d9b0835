"""The log-probabilities of a prompt: what is asked of a completions endpoint, and what
its answer must hold.

Letters in shapes: T tokens of a prompt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

Prompt = str | Sequence[int]

NAME_TOKENIZER = "name the tokenizer of that model, as in openai:URL#MODEL,tokenizer=FOLDER"

ZERO = -9998.0  # nats; servers write -9999 for probability 0, because JSON has no -inf
ROUNDING = 0.1  # nats by which a log-probability may lie above 0: bfloat16 is off by hundredths

_WHOLE = 1 << 53  # JSON has whole numbers that no float holds


class Breach(Exception):
    """How an answer breaks the contract, as the end of a sentence about the server;
    ``remedy`` is what helps if the answer alone tells it.
    """

    def __init__(self, how: str, *, remedy: str = "") -> None:
        super().__init__(how)
        self.remedy = remedy


@final
@dataclass(frozen=True, slots=True)
class ScoredPrompt:
    """The tokens of a prompt as a server sees them.

    ``logprobs`` (T - 1,) are natural log-probabilities of all but the first, ``-inf``
    for probability 0. ``tokens`` are their texts, without that of the first where the
    server does not tell it. ``offsets`` (T,) are the characters of the prompt at which
    they begin; empty where the server tells none.
    """

    logprobs: NDArray[np.float64]
    tokens: Sequence[str]
    offsets: Sequence[int] = ()


class Wire(Protocol):
    """One of the ways to ask."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def body(self, prompt: Prompt) -> Mapping[str, Any]:
        """What is sent, besides the name of the model and the temperature."""
        ...

    def read(self, prompt: Prompt, choice: Mapping[str, Any]) -> ScoredPrompt:
        """What comes back.

        Raises:
            Breach: it is not what was asked for.
        """
        ...


@final
class Echo:
    """OpenAI's own: the prompt comes back, with log-probabilities."""

    name = "echo"

    def body(self, prompt: Prompt) -> Mapping[str, Any]:
        """Nothing is generated; 1 is the least for ``logprobs`` that every server takes
        for a wish.
        """
        return {"prompt": prompt, "echo": True, "logprobs": 1, "max_tokens": 0}

    def read(self, prompt: Prompt, choice: Mapping[str, Any]) -> ScoredPrompt:
        """From the columns of ``logprobs``."""
        match choice.get("logprobs"):
            case {"token_logprobs": list(values), "tokens": list(tokens), **others}:
                offsets = others.get("text_offset") or []
            case _:
                raise Breach("gives no log-probabilities of the prompt")
        if len(tokens) != len(values) or not all(isinstance(token, str) for token in tokens):
            raise Breach(f"gives {len(tokens)} tokens and {len(values)} log-probabilities")
        if not isinstance(offsets, list) or not all(type(offset) is int for offset in offsets):
            raise Breach("gives text offsets that are no numbers")
        return ScoredPrompt(_logprobs(values, prompt), tokens, offsets)


@final
class PromptLogprobs:
    """vLLM's: a table of log-probabilities by token id for each place of the prompt."""

    name = "prompt_logprobs"

    def body(self, prompt: Prompt) -> Mapping[str, Any]:
        """A token is generated, because the server takes no wish for none; 0 stands for
        the tokens of the prompt alone.
        """
        return {"prompt": prompt, "prompt_logprobs": 0, "max_tokens": 1}

    def read(self, prompt: Prompt, choice: Mapping[str, Any]) -> ScoredPrompt:
        """What stands under the ids that were sent."""
        places = choice.get("prompt_logprobs")
        if not isinstance(places, list):
            raise Breach("gives no log-probabilities of the prompt")
        if isinstance(prompt, str):
            raise Breach("gives them by token id, and tells no ids of a text", remedy=NAME_TOKENIZER)
        own = [_of(place, token) for place, token in zip(places[1:], prompt[1:], strict=False)]
        values = [*places[:1], *(value for value, _ in own), *places[1 + len(own) :]]  # as many as came
        return ScoredPrompt(_logprobs(values, prompt), [text for _, text in own])


WIRES: Sequence[Wire] = (Echo(), PromptLogprobs())


def _of(place: Any, token: int) -> tuple[Any, str]:
    match place:
        case dict() if isinstance(own := place.get(str(token)), dict):
            return own.get("logprob"), str(own.get("decoded_token") or "")
    raise Breach(f"gives no log-probability of token {token}, which the prompt has")


def _logprobs(values: Sequence[Any], prompt: Prompt) -> NDArray[np.float64]:
    """All but the first, which has none."""
    if not isinstance(prompt, str) and len(values) != len(prompt):
        raise Breach(f"gives {len(values)} log-probabilities for the {len(prompt)} tokens of a prompt")
    if not values or values[0] is not None:
        raise Breach("gives a log-probability of the first token, which has nothing before it, where null is expected")
    if not all(type(value) is float or (type(value) is int and abs(value) < _WHOLE) for value in values[1:]):
        raise Breach("gives log-probabilities that are no numbers")
    logprobs = np.array(values[1:], np.float64)
    if np.isnan(logprobs).any() or logprobs.max(initial=0.0) > ROUNDING:
        raise Breach(f"gives {logprobs[np.isnan(logprobs) | (logprobs > ROUNDING)][0]:.3g} as a log-probability")
    return np.where(logprobs <= ZERO, -np.inf, logprobs)
