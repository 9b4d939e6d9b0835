"""``openai:URL#MODEL``: a model of a server, which is probed before it is used."""

from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Self, final

from nonplus.errors import BadModel
from nonplus.measure.records import Floats
from nonplus.models.loading import Loading
from nonplus.models.remote.texts import RemoteTexts
from nonplus.models.remote.tokenizers import OwnTokenizer
from nonplus.models.remote.windows import RemoteWindows
from nonplus.outbound.client import Client
from nonplus.outbound.endpoint import Endpoint
from nonplus.outbound.probe import probed
from nonplus.outbound.served import served_model

_OPTIONS = ("tokenizer", "key")


def open_openai(rest: str, loading: Loading = Loading()) -> RemoteWindows | RemoteTexts:  # noqa: B008
    """A model of an OpenAI-compatible server: with ``,tokenizer=FOLDER``, one that is
    sent windows of token ids, else one that is sent whole texts.

    ``,key=NAME`` names the environment variable with the key, in place of
    ``OPENAI_API_KEY``.

    Raises:
        BadModel: there is no such server or model, or it does not keep the contract.
        MissingExtra: the extra ``remote`` is not installed.
    """
    named = _Named.of(rest)
    endpoint = Endpoint(named.url, named.key)  # without secrets, so that it can be shown
    for option in fields(Loading):
        if getattr(loading, option.name) != option.default:
            stated = f"{option.name}={getattr(loading, option.name)!r}"
            raise BadModel(
                f"the model of {endpoint.url} runs as its server started it, so {stated} has no effect; omit {stated}"
            )
    client = Client(endpoint)
    own = OwnTokenizer.named(named.tokenizer) if named.tokenizer else None
    served = served_model(client, named.model)
    if own is None:
        kept = probed(client, served, str)
        return RemoteTexts(kept, opens=partial(_reopened, rest, kept.witness))
    kept = probed(client, served, own.prompt)
    return RemoteWindows(kept, own, opens=partial(_reopened, rest, kept.witness))


def _reopened(rest: str, witness: Floats) -> Any:
    """The form depends on the name alone, so it is the one that was pickled."""
    model = open_openai(rest)
    if not model.confirms(witness):
        raise BadModel(
            f"{model.name} was pickled with other weights: it gives other log-probabilities for the same sentence; "
            "pickle it again"
        )
    return model


@final
@dataclass(frozen=True, slots=True)
class _Named:
    """The parts of a name."""

    url: str
    model: str
    tokenizer: str = ""
    key: str = ""

    @classmethod
    def of(cls, rest: str) -> Self:
        url, _, named = rest.partition("#")
        model, *options = named.split(",")
        given: dict[str, str] = {}
        for place, option in enumerate(options, 1):
            name, equals, value = option.partition("=")
            if name not in _OPTIONS or not equals or not value or name in given:
                raise BadModel(
                    "after the model of a server may come ,tokenizer=FOLDER and ,key=NAME, each once, and what comes "
                    f"after comma {place} is neither (it is not shown, because it may be a key); write e.g. "
                    "openai:URL#MODEL,tokenizer=FOLDER,key=MY_KEY"
                )
            given[name] = value
        return cls(url.rstrip("/"), model, **given)
