"""A model of a server as that which scores prompts."""

from collections.abc import Sequence
from threading import Event
from typing import final

from nonplus.errors import BadModel
from nonplus.outbound.client import AT_ONCE, Client
from nonplus.outbound.concurrency import at_once
from nonplus.outbound.served import ServedModel
from nonplus.outbound.wires import Breach, Prompt, ScoredPrompt, Wire

# At 1, the distribution that a server samples from is that of the model.
TEMPERATURE = 1.0


@final
class Completions:
    """Asks a model for the log-probabilities of prompts, many at a time."""

    def __init__(self, client: Client, served: ServedModel, wire: Wire) -> None:
        """``wire`` is the way to ask that the server understands."""
        self.client, self.served, self.wire = client, served, wire

    @property
    def name(self) -> str:
        """The model and its server, for messages."""
        return f"{self.served.name} at {self.client.endpoint.url}"

    def scored(self, prompts: Sequence[tuple[Prompt, str]]) -> list[ScoredPrompt]:
        """Prompts, scored; with each comes what to do if the server refuses it, as it
        does if it is too long.

        Raises:
            BadModel: the server does not answer, or breaks the contract.
        """

        def one(unwanted: Event, asked: tuple[Prompt, str]) -> ScoredPrompt:
            prompt, advice = asked
            try:
                return self.ask(unwanted, prompt, advice=advice)
            except Breach as breach:
                raise BadModel(
                    f"{self.name} {breach}, which it did not do when it was probed; check the server and what is "
                    "between, and run again"
                ) from None

        return at_once(one, prompts, most=AT_ONCE, within=self.client.patience.bound)

    def ask(self, unwanted: Event, prompt: Prompt, *, temperature: float = TEMPERATURE, advice: str) -> ScoredPrompt:
        """One prompt, scored.

        Raises:
            Breach: the answer is not what was asked for.
            BadModel: there is none.
        """
        body = {"model": self.served.name, **self.wire.body(prompt), "temperature": temperature}
        match self.client.post("/completions", body, unwanted=unwanted, advice=advice):
            case {"choices": [dict(choice)]}:
                return self.wire.read(prompt, choice)
        raise Breach("gives an answer that is no completion of one prompt")
