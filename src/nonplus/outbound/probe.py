"""Does a server keep the contract that every figure rests on? Asked before anything is
scored, with a dozen prompts.

Servers were seen to break each part of it: to echo nothing, to score what they would
sample from instead of what the model says, and to mix up what they keep of prompts that
begin alike.
"""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import NoReturn, final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadModel
from nonplus.outbound.client import Client
from nonplus.outbound.completions import TEMPERATURE, Completions
from nonplus.outbound.concurrency import at_once
from nonplus.outbound.served import ServedModel
from nonplus.outbound.wires import NAME_TOKENIZER, WIRES, Breach, Prompt, ScoredPrompt

TEXT = "The river rose in the night, and by morning the lower road was under water; nobody had seen it so high before."
_SCRAMBLED = " ".join(reversed(TEXT.split()))
_SHORT = "A small brown dog barked twice."
_ENDINGS = (" Then the rain began again.", " But some of them laughed at it.")
_REPEATED = 8  # times the text, so that a beginning fills the blocks in which servers keep prompts
_ALIKE = 0.9  # of the tokens that the share of characters makes likely
_FIRST = 16  # characters of a first token, at most
_ROUNDING = 0.3  # nats: bfloat16, in batches of different shapes
_ADVICE = (
    "a server is needed that takes echo with logprobs, as vLLM and SGLang do, and whose context is longer than this "
    "sentence"
)
_LONGER = "it took another prompt in this form; if its context is too short for this one, start it with a longer one"

_NO_ECHO = (
    "echo is missing, as in llama-server, TGI and transformers serve; score a GGUF file itself, as gguf:FILE, or serve "
    "the model with vLLM or SGLang"
)
_PROCESSED = (
    "what it gives is not what the model says but what it samples from; start vLLM with --logprobs-mode raw_logprobs, "
    "SGLang with SGLANG_RETURN_ORIGINAL_LOGPROB=1"
)
_CACHED = (
    "what it keeps of other prompts changes its answers; start vLLM with --no-enable-prefix-caching, SGLang with "
    "--disable-radix-cache"
)
_MIXED = "it mixes up requests, or what is between does; start it with room for one request at a time, or update it"
_SENSELESS = "these are no log-probabilities of the prompt under a language model; check what it serves, or update it"


@final
@dataclass(frozen=True, slots=True)
class Probed:
    """A model that kept the contract, and what it gave for :data:`TEXT`."""

    completions: Completions
    plain: ScoredPrompt

    @property
    def identity(self) -> str:
        """A digest of what is said of the model: where it is, and what the server says
        of it.

        Not of what it gave for the text: that is rounded in another way each time, and
        whatever digits are kept, some models lie between two of them.
        """
        own = self.completions
        known = [own.client.endpoint.url, own.served.said, own.wire.name]
        return hashlib.sha256(json.dumps(known).encode()).hexdigest()

    @property
    def witness(self) -> NDArray[np.float64]:
        """Nats of the text, shape (T - 1,)."""
        return -self.plain.logprobs

    def confirms(self, witness: NDArray[np.float64]) -> bool:
        """Whether the model that gave this for the text may have the same weights: they
        may differ by less than is seen.
        """
        return witness.shape == self.witness.shape and _apart(witness, self.witness) <= _ROUNDING

    @property
    def adds_bos(self) -> bool:
        """Whether the first token stands before the text."""
        first = self.plain.tokens[0].strip()
        return not first or not TEXT.startswith(first)


def probed(client: Client, served: ServedModel, prompt_of: Callable[[str], Prompt]) -> Probed:
    """The model, once it has kept the contract.

    ``prompt_of`` makes a prompt of a text: its tokens, or the text itself.

    Raises:
        BadModel: it does not keep it; the message says how, and what to change.
    """
    probe = _Probe(client, served, prompt_of)
    probe.spelling()
    probe.order()
    probe.batches()
    probe.temperature()
    probe.prefixes()
    return Probed(probe.completions, probe.plain)


@final
class _Probe:
    """What was asked so far: a text, of which ``plain`` are the scores."""

    def __init__(self, client: Client, served: ServedModel, prompt_of: Callable[[str], Prompt]) -> None:
        self._prompt_of = prompt_of
        self._patience = client.patience
        breaches: list[Breach] = []
        for wire in WIRES:
            self.completions = Completions(client, served, wire)
            try:
                (self.plain,) = self._asked([TEXT], advice=_ADVICE)
            except Breach as breach:
                breaches.append(breach)
            else:
                return
        says = (f"asked for {wire.name}, it {breach}" for wire, breach in zip(WIRES, breaches, strict=True))
        self._refuse("; ".join(says), next((each.remedy for each in breaches if each.remedy), _NO_ECHO))

    def spelling(self) -> None:
        """Its tokens spell the text, but for the first, which may be a BOS token; the
        last is one of the text.
        """
        own, text = ("".join(each.split()) for each in ("".join(self.plain.tokens[-len(self.plain.logprobs) :]), TEXT))
        if not text.endswith(own) or len(own) < len(text) - _FIRST:
            self._refuse(f"the tokens of {TEXT[:20] + '…'!r} spell {own[:40]!r} there", NAME_TOKENIZER)
        if not "".join(self.plain.tokens[-1:]).strip():
            self._refuse("it puts a token without text after a prompt, such as EOS, and scores it", NAME_TOKENIZER)

    def order(self) -> None:
        """A sentence is more probable than its words from last to first."""
        (scrambled,) = self._kept([_SCRAMBLED])
        sums = [float(np.sum(each.logprobs)) for each in (self.plain, scrambled)]
        if not sums[0] > sums[1]:
            self._refuse(
                f"a sentence has the log-probability {sums[0]:.1f}, and its words from last to first {sums[1]:.1f}",
                _SENSELESS,
            )

    def batches(self) -> None:
        """Prompts at once, then in the other order."""
        texts = [TEXT, _SHORT, _SCRAMBLED]
        forth, back = self._kept(texts, most=len(texts)), self._kept(texts[::-1], most=len(texts))[::-1]
        for one, other in [*zip(forth, back, strict=True), (self.plain, forth[0])]:
            self._compare(one, other, "prompts that are sent at once change with their order", _MIXED)

    def temperature(self) -> None:
        """The same text at another temperature."""
        (cooler,) = self._kept([TEXT], temperature=0.5)
        self._compare(self.plain, cooler, "the log-probabilities of a prompt change with the temperature", _PROCESSED)

    def prefixes(self) -> None:
        """Two prompts that begin alike, which no cache has, then in the other order."""
        begins = f"{random.randrange(10**9):09} " + " ".join([TEXT] * self._repeated())
        one, other = (begins + ending for ending in _ENDINGS)
        first, second, second_again, first_again = (
            self._kept([text], remedy=_CACHED)[0] for text in (one, other, other, one)
        )
        says = "prompts that begin alike have other log-probabilities once one was sent before the other"
        self._compare(first, first_again, says, _CACHED)
        self._compare(second, second_again, says, _CACHED)
        share = len(begins) / max(len(one), len(other))
        alike = int(_ALIKE * share * min(len(first.logprobs), len(second.logprobs)))
        if _apart(first.logprobs[:alike], second.logprobs[:alike]) > _ROUNDING:
            self._refuse(says, _CACHED)

    def _repeated(self) -> int:
        """How many times the text fits, with room for what is around it."""
        most, own = self.completions.served.most_tokens, len(self.plain.logprobs) + 1
        return max(1, min(_REPEATED, most // own - 1)) if most else _REPEATED

    def _kept(
        self, texts: Sequence[str], *, temperature: float = TEMPERATURE, most: int = 1, remedy: str = _SENSELESS
    ) -> list[ScoredPrompt]:
        try:
            return self._asked(texts, temperature=temperature, most=most, advice=_LONGER)
        except Breach as breach:
            self._refuse(f"it {breach}", remedy)

    def _asked(
        self, texts: Sequence[str], *, advice: str, temperature: float = TEMPERATURE, most: int = 1
    ) -> list[ScoredPrompt]:
        def one(unwanted: Event, text: str) -> ScoredPrompt:
            prompt = self._prompt_of(text)
            return self.completions.ask(unwanted, prompt, temperature=temperature, advice=advice)

        return at_once(one, texts, most=most, within=self._patience.bound)

    def _compare(self, one: ScoredPrompt, other: ScoredPrompt, says: str, remedy: str) -> None:
        if len(one.logprobs) != len(other.logprobs):
            self._refuse(f"{says}, also their number", remedy)
        apart = _apart(one.logprobs, other.logprobs)
        if apart > _ROUNDING:
            self._refuse(f"{says}, by up to {apart:.2f} nats", remedy)

    def _refuse(self, breach: str, remedy: str) -> NoReturn:
        served = self.completions.served
        maker = f" ({served.maker})" if served.maker else ""
        raise BadModel(f"{self.completions.name}{maker} cannot be scored with: {breach}; {remedy}")


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The largest difference; tokens that have probability 0 in both do not differ."""
    differ = one != other
    return float(np.max(np.abs(one[differ] - other[differ]), initial=0.0))
