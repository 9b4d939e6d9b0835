"""The forms in which tools write log-probabilities, told by their content."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from nonplus.errors import BadInput
from nonplus.measure.records import Document, TokenizedTexts
from nonplus.measure.scores import ScoredTexts
from nonplus.models.precomputed.laying import Laid, from_bytes, from_texts
from nonplus.models.precomputed.lines import Line
from nonplus.models.precomputed.log_probability import BASES, surprisal
from nonplus.models.precomputed.pieces import Pieces

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a text as a tool gives them, in order.

    ``generated``: the model wrote the text itself, and was not given it.
    """

    laid: Laid
    logprobs: Sequence[Any]
    names: Sequence[str]
    generated: bool = False

    def __post_init__(self) -> None:
        """Refuse what JSON allows and no form has."""
        lists = isinstance(self.logprobs, list) and isinstance(self.names, list)
        if not lists or not all(isinstance(name, str) for name in self.names):
            raise TypeError("tokens are a list of texts, and log-probabilities a list")


@dataclass(frozen=True, slots=True)
class Form:
    """How a tool writes scored texts: one or more in an object."""

    name: str
    known: Callable[[Object], bool]
    texts: Callable[[Object, str], Iterator[Tokens]]


def scored(tokens: Tokens, document: Document, *, base: str, pieces: Pieces, place: str) -> ScoredTexts:
    """A text with its surprisals.

    Raises:
        BadInput: a token has no log-probability, nor null in its place; or the first
            has 0, which tools write where nothing was scored.
    """
    if len(tokens.logprobs) != len(tokens.names):
        raise BadInput(
            f"{place} has {len(tokens.names)} tokens and {len(tokens.logprobs)} log-probabilities; each token needs "
            "one, or null"
        )
    if not tokens.names or not tokens.laid.text:
        raise BadInput(f"{place} has no token with text; leave it out")
    nats = [surprisal(each, base=base, place=f"{place}, token {n}") for n, each in enumerate(tokens.logprobs)]
    if not tokens.generated and tokens.logprobs[0] == 0:
        raise BadInput(
            f"{place}, token 0 has the log-probability 0, as if the model were certain with nothing before it; tools "
            "write so for a first token that they did not score: write null there, or -1e-9 if it was scored"
        )
    index = np.array([n for n, each in enumerate(nats) if each is not None], np.int64)
    laid = TokenizedTexts(
        documents=(document,),
        ids=np.array([pieces.id_of(name) for name in tokens.names], np.int64),
        byte_ends=np.array(tokens.laid.byte_ends, np.int64),
        offsets=np.array([0, len(nats)]),
        firsts=np.zeros(1, np.int64),
        sized=tokens.laid.sized,
    )
    known = np.array([each for each in nats if each is not None], np.float64)
    return ScoredTexts.complete(laid, index=index, nats=known, seen=index)


def form_of(value: Object, place: str) -> Form:
    """The form of an object.

    Raises:
        BadInput: it is none that is known; the message names them.
    """
    with suppress(StopIteration, AttributeError, TypeError):  # the key of a form may have another kind of value
        return next(form for form in FORMS if form.known(value))
    if "doc_id" in value and "resps" in value:
        raise BadInput(
            f"{place} is a sample of lm-eval, which has the log-likelihood of a whole text and not that of its tokens: "
            "lm-eval's results have its bits per byte and word perplexity, and nothing tells how many tokens there "
            "are, nor a perplexity per token; score the same texts with the model, as in nonplus score TEXTS "
            "model=hf:NAME protocol=lm-eval, whose figures are those of lm-eval"
        )
    if "choices" in value:
        raise BadInput(
            f"{place} is a response without log-probabilities; ask the server for them: logprobs=0 and echo=true of "
            "completions, logprobs=true of chats, or prompt_logprobs=0 of vLLM"
        )
    keys = ", ".join(sorted(value)[:6]) or "none"
    raise BadInput(
        f"{place} is in no form that is known (its keys: {keys}); known are the tables of tokens that nonplus writes, "
        "responses of OpenAI's and vLLM's completions and chats, and of your own tools "
        '{"id": "a", "tokens": ["The", " end"], "token_logprobs": [null, -1.5]}'
    )


def base_of(value: Object, place: str) -> str:
    """The base that an object states for its logarithms; empty if it states none.

    Raises:
        BadInput: it is not one of those that are known.
    """
    base = value.get("base") or ""
    if base and not (isinstance(base, str) and base in BASES):
        raise BadInput(f"{place} has the base {base!r}; known are {', '.join(BASES)}")
    return str(base)


def name_of(value: Object) -> str:
    """The name of the model that an object states; empty if it states none."""
    name = value.get("model")
    return name if isinstance(name, str) else ""


def _plain(value: Object, place: str) -> Iterator[Tokens]:
    names = value["tokens"]
    laid = from_texts(names, value.get("text") or "", value.get("text_offset") or ())
    yield Tokens(laid, value["token_logprobs"], names)


def _choices(value: Object) -> Sequence[Object]:
    choices = value.get("choices")
    return choices if isinstance(choices, list) else ()


def _prompts(value: Object) -> list[Object]:
    """What has ``prompt_logprobs``: the response itself, or some of its choices.

    An echo has them too, beside the tokens of the prompt in a plainer form.
    """
    echoes = any((each.get("logprobs") or {}).get("token_logprobs", [0])[:1] == [None] for each in _choices(value))
    return [] if echoes else [each for each in (value, *_choices(value)) if each.get("prompt_logprobs")]


def _vllm(value: Object, place: str) -> Iterator[Tokens]:
    for prompt in _prompts(value):
        ids = prompt.get("prompt_token_ids") or value.get("prompt_token_ids")
        chosen = [_of_prompt(each, n, ids, place) for n, each in enumerate(prompt["prompt_logprobs"])]
        names = ["" if each is None else each.get("decoded_token") or "" for each in chosen]
        text, rest = prompt.get("prompt") or "", "".join(names)
        if chosen[0] is None and text.endswith(rest):  # nothing is told of the first token, but its text is known
            names[0] = text.removesuffix(rest)
        logprobs = [None if each is None else each["logprob"] for each in chosen]
        yield Tokens(from_texts(names, text), logprobs, names)


def _of_prompt(told: Mapping[str, Object] | None, n: int, ids: Sequence[int] | None, place: str) -> Object | None:
    """What is told of the token that stands in the prompt, among others that might."""
    if not told:
        return None
    if ids is not None:
        own = told.get(str(ids[n]))
        if own is None:
            raise BadInput(
                f"{place}, token {n} has no log-probability of the id {ids[n]}, which stands there in the prompt; save "
                "the response as vLLM gave it"
            )
        return own
    if len(told) > 1:
        raise BadInput(
            f"{place}, token {n} has {len(told)} candidates, and nothing tells which one the text has; ask vLLM for "
            "prompt_logprobs=0, or add return_token_ids=true to the request"
        )
    (only,) = told.values()
    return only


def _completion(value: Object, place: str) -> Iterator[Tokens]:
    choices = [each for each in _choices(value) if each.get("logprobs")]
    usage = value.get("usage") or {}
    told = sum(len(each["logprobs"]["token_logprobs"]) for each in choices)
    prompt = usage.get("prompt_tokens") or 0
    written = usage.get("completion_tokens") or max(0, (usage.get("total_tokens") or 0) - prompt)
    for choice in choices:
        found = choice["logprobs"]
        names, logprobs = found["tokens"], found["token_logprobs"]
        echoed = bool(logprobs) and (logprobs[0] is None or told == prompt + written > written)
        stop = len(names)
        if echoed and not prompt:
            raise BadInput(
                f"{place} has tokens of a prompt, perhaps with some after them that the model wrote, and no "
                "usage.prompt_tokens tells where the prompt ends; save the response whole, or its prompt only, as "
                '{"tokens": […], "token_logprobs": […]}'
            )
        if echoed and written:  # after the prompt come tokens that the model wrote
            stop = prompt if len(choices) == 1 else len(names) - _share(written, len(choices), place)
        laid = from_texts(names, choice.get("text") or "", found.get("text_offset") or ())
        yield Tokens(_until(laid, stop), logprobs[:stop], names[:stop], generated=not echoed)


def _share(written: int, choices: int, place: str) -> int:
    if written == choices:
        return 1
    raise BadInput(
        f"{place} has {choices} texts and {written} tokens that the model wrote, and nothing tells where each prompt "
        "ends; send the request with max_tokens=0 or max_tokens=1, or a text at a time"
    )


def _until(laid: Laid, stop: int) -> Laid:
    """The first tokens, and their text."""
    if stop >= len(laid.byte_ends):
        return laid
    ends = laid.byte_ends[:stop]
    text = laid.text.encode()[: ends[-1] if ends else 0].decode(errors="replace")
    return Laid(text, ends, laid.sized)


def _chat(value: Object, place: str) -> Iterator[Tokens]:
    for choice in _choices(value):
        content = (choice.get("logprobs") or {}).get("content") or ()
        names = [each["token"] for each in content]
        given = [each.get("bytes") for each in content]
        laid = from_texts(names) if None in given else from_bytes([bytes(each) for each in given])
        yield Tokens(laid, [each["logprob"] for each in content], names, generated=True)


def _has_logprobs(value: Object, key: str) -> bool:
    return any(isinstance(each.get("logprobs"), dict) and each["logprobs"].get(key) for each in _choices(value))


FORMS = (
    Form("vllm-prompt", lambda value: bool(_prompts(value)), _vllm),
    Form("completions", lambda value: _has_logprobs(value, "token_logprobs"), _completion),
    Form("chat", lambda value: _has_logprobs(value, "content"), _chat),
    Form("tokens", lambda value: {"tokens", "token_logprobs"} <= value.keys(), _plain),
)


def objects(lines: Iterator[Line]) -> Iterator[tuple[Object, str, str]]:
    """Each object, its id if it has one, and its place; those of a batch unpacked."""
    for value, place in lines:
        response = value.get("response")
        body = response.get("body") if isinstance(response, dict) else None
        if isinstance(body, dict):
            yield body, str(value.get("custom_id") or ""), place
        else:
            yield value, str(value.get("id") or ""), place
