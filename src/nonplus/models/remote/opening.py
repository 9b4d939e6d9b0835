"""``openai:URL#MODEL``: a model of a server, which is probed before it is used."""

from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Self, final

from nonplus.errors import BadModel
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
    for option in fields(Loading):
        if getattr(loading, option.name) != option.default:
            stated = f"{option.name}={getattr(loading, option.name)!r}"
            raise BadModel(f"openai:{rest} runs as its server started it, so {stated} has no effect; omit {stated}")
    client = Client(Endpoint(named.url, named.key))
    own = OwnTokenizer.named(named.tokenizer) if named.tokenizer else None
    served = served_model(client, named.model)
    if own is None:
        return RemoteTexts(probed(client, served, str), opens=partial(_reopened, rest))
    return RemoteWindows(probed(client, served, own.prompt), own, opens=partial(_reopened, rest))


def _reopened(rest: str) -> Any:
    """The form depends on the name alone, so it is the one that was pickled."""
    return open_openai(rest)


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
        for option in options:
            name, equals, value = option.partition("=")
            if name not in _OPTIONS or not equals or not value or name in given:
                raise BadModel(
                    f"after the model {model!r} may come ,tokenizer=… and ,key=…, each once, and nothing like "
                    f"{name!r}; write e.g. openai:URL#MODEL,tokenizer=FOLDER,key=MY_KEY"
                )
            given[name] = value
        return cls(url.rstrip("/"), model, **given)
