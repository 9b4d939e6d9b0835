"""A server that breaks the contract is refused before anything is scored; the message
says how it does, and what to change.
"""

import pickle
import random
import re
from typing import Any

import pytest

pytest.importorskip("urllib3", reason="servers are asked by it")

from completions_server import Asked, Loopback, columns, serving, with_values

import nonplus
from nonplus.errors import BadModel
from nonplus.models import open_model


def without_echo(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """What llama-server 10.11549 answers, cut down."""
    content = [{"id": 28, "token": ",", "bytes": [44], "logprob": -0.83, "top_logprobs": []}]
    return {"choices": [{"index": 0, "text": ",", "logprobs": {"content": content}, "finish_reason": "length"}]}


def without_logprobs(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """What transformers serve answers, cut down."""
    return {"choices": [{"index": 0, "text": answer["choices"][0]["text"], "logprobs": None}]}


def one_less(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    own = columns(answer)
    for name in ("token_logprobs", "tokens", "text_offset"):
        own[name] = own[name][:-1]
    return answer


def of_generated_too(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    own = columns(answer)
    for name, value in {"token_logprobs": -1.0, "tokens": "x", "text_offset": 0}.items():
        own[name] = [*own[name], value]
    return answer


def first_not_null(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    columns(answer)["token_logprobs"][0] = 0.0
    return answer


def improbable_first(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    return with_values(answer, lambda values: [-20.0 - value for value in values])


def mixed_up(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """The more prompts came before, the less probable is each."""
    return with_values(answer, lambda values: [value - 0.2 * asked.number for value in values])


def as_sampled(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    return with_values(answer, lambda values: [value / asked.body["temperature"] for value in values])


class Cached:
    """Values of a long beginning that an earlier prompt had are garbage, or missing."""

    def __init__(self, *, missing: bool) -> None:
        self.missing = missing
        self.seen: list[list[Any]] = []

    def __call__(self, answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
        own = columns(answer)
        tokens = own["tokens"]
        kept = max((_alike(tokens, before) for before in self.seen), default=0)
        self.seen.append(tokens)
        if kept < 64:
            return answer
        if self.missing:
            for name in ("token_logprobs", "tokens", "text_offset"):
                own[name] = [*own[name][:1], *own[name][kept:]]
            return answer
        return with_values(answer, lambda values: [*(value - 1 for value in values[:kept]), *values[kept:]])


def _alike(one: list[Any], other: list[Any]) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def above_one(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    return with_values(answer, lambda values: [-value for value in values])


def not_a_number(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    return with_values(answer, lambda values: [float("nan"), *values[1:]])


def texts_for_numbers(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    return with_values(answer, lambda values: [str(value) for value in values])  # type: ignore[arg-type, misc]


def endless_numbers(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    return with_values(answer, lambda values: [-(10**400), *values[1:]])


def other_tokens(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    own = columns(answer)
    own["tokens"] = [token.upper() for token in own["tokens"]]
    return answer


def two_choices(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    return {"choices": answer["choices"] * 2}


FORMS = pytest.mark.parametrize("form", ["name", "windows"])

BREACHES = {
    "no echo": (without_echo, "asked for echo, it gives no log-probabilities of the prompt; .*echo is missing, as in "
                "llama-server.*; score a GGUF file itself, as gguf:FILE, or serve the model with vLLM or SGLang"),
    "no log-probabilities": (without_logprobs, "gives no log-probabilities of the prompt; .*serve the model with vLLM"),
    "a value less than tokens": (one_less, r"gives \d+ log-probabilities for the \d+ tokens of a prompt"),
    "a value more than tokens": (of_generated_too, r"gives \d+ log-probabilities for the \d+ tokens of a prompt"),
    "a first value": (first_not_null, "of the first token, which has nothing before it, where null is expected"),
    "the improbable first": (improbable_first, "a sentence has the log-probability .*, and its words from last to "
                             "first .*; these are no log-probabilities of the prompt"),
    "an order that counts": (mixed_up, "prompts that are sent at once change with their order, by up to .* nats; .*"
                             "room for one request at a time"),
    "a temperature that counts": (as_sampled, "change with the temperature, by up to .* nats; .*start vLLM with "
                                  "--logprobs-mode raw_logprobs"),
    "a cache that counts": (Cached(missing=False), "prompts that begin alike .*; start vLLM with "
                            "--no-enable-prefix-caching, SGLang with --disable-radix-cache"),
    "a cache that takes values": (Cached(missing=True), "it gives .* log-probabilities for the .* tokens.*; start vLLM "
                                  "with --no-enable-prefix-caching"),
    "probabilities above 1": (above_one, "gives .* as a log-probability"),
    "no numbers": (not_a_number, "gives nan as a log-probability"),
    "texts for numbers": (texts_for_numbers, "gives log-probabilities that are no numbers"),
    "numbers without end": (endless_numbers, "gives log-probabilities that are no numbers"),
    "other tokens": (other_tokens, "the tokens of 'The river rose in th…' spell .* there; name the tokenizer of that "
                     "model"),
    "two choices": (two_choices, "gives an answer that is no completion of one prompt"),
}  # fmt: skip


@pytest.mark.parametrize(("twist", "says"), BREACHES.values(), ids=BREACHES)
def test_a_server_that_breaks_the_contract_is_refused_with_the_reason_and_the_remedy(twist, says):
    with serving(twist=twist) as server, pytest.raises(BadModel) as refused:
        open_model(server.windows)
    sentence = str(refused.value)
    assert sentence.startswith(f"tiny at {server.url} (tests) cannot be scored with: ")
    assert re.search(says, sentence), sentence


OF_TEXTS = ("no echo", "a first value", "the improbable first", "an order that counts", "a temperature that counts")


@pytest.mark.parametrize(("twist", "says"), [BREACHES[each] for each in OF_TEXTS], ids=OF_TEXTS)
def test_a_server_that_is_sent_texts_is_refused_as_well(twist, says):
    with serving(twist=twist) as server, pytest.raises(BadModel, match=says):
        open_model(server.name)


def test_a_server_without_echo_may_have_prompt_logprobs():
    with serving(wire="prompt_logprobs") as server:
        model = open_model(server.windows)
        assert {asked.body.get("prompt_logprobs") for asked in server.asked[1:]} == {0}
    assert model.max_context == 512


def test_prompt_logprobs_of_other_tokens_than_were_sent_are_refused():
    def shifted(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
        (choice,) = answer["choices"]
        choice["prompt_logprobs"] = [*choice["prompt_logprobs"][:1], *choice["prompt_logprobs"][2:], {}]
        return answer

    with (
        serving(wire="prompt_logprobs", twist=shifted) as server,
        pytest.raises(BadModel, match=r"gives no log-probability of token \d+, which the prompt has"),
    ):
        open_model(server.windows)


def test_a_model_that_breaks_the_contract_after_the_probe_stops_the_run():
    with serving() as server:
        model = open_model(server.windows)
        server.twist = one_less
        with pytest.raises(BadModel, match="which it did not do when it was probed; check the server"):
            nonplus.evaluate("The quick brown fox.", model=model)


def test_prompt_logprobs_alone_score_no_text_and_the_message_names_the_tokenizer():
    with (
        serving(wire="prompt_logprobs") as server,
        pytest.raises(BadModel, match="by token id, and tells no ids of a text; name the tokenizer of that model"),
    ):
        open_model(server.name)


@pytest.mark.parametrize("text", ["", " "])
def test_an_eos_token_without_text_is_not_scored_with_no_bytes(text):
    def ended(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
        own = columns(answer)
        end = sum(map(len, own["tokens"]))
        for name, value in {"token_logprobs": -7.0, "tokens": text, "text_offset": end}.items():
            own[name] = [*own[name], value]
        return answer

    with (
        serving(twist=ended) as server,
        pytest.raises(BadModel, match="a token without text after a prompt, such as EOS, and scores it; name the tok"),
    ):
        open_model(server.name)


@FORMS
@pytest.mark.parametrize("limit", [64, 100, 300])
def test_a_context_that_holds_a_sentence_can_be_probed_if_the_server_tells_its_length(form, limit):
    with serving(limit=limit, models={"data": [{"id": "tiny", "max_model_len": limit}]}) as server:
        open_model(getattr(server, form))


@FORMS
def test_a_context_that_is_too_short_is_what_the_message_names(form):
    with serving(limit=100, models={"data": [{"id": "tiny"}]}) as server:
        with pytest.raises(
            BadModel,
            match=r"\(400: maximum context length is 100 tokens\); .* if its context is too short for this one",
        ):
            open_model(getattr(server, form))
        server.limit = 10
        with pytest.raises(BadModel, match=r"is 10 tokens\); .* and whose context is longer than this sentence"):
            open_model(getattr(server, form))


def test_what_the_probe_sends_is_a_dozen_short_prompts():
    with serving() as server:
        open_model(server.windows)
    assert len(server.asked) <= 13
    assert sum(len(asked.prompt) for asked in server.asked) < 1500


class Rounded:
    """Another error of bfloat16 for each token at each start of the server."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __call__(self, answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
        noise = random.Random(self.start)
        return with_values(answer, lambda values: [value - noise.uniform(0, 0.2) for value in values])


def trained_on(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    return with_values(answer, lambda values: [0.9 * value for value in values])


@FORMS
def test_rounding_gives_no_other_model(form, tmp_path):
    with serving() as server:
        options = nonplus.RunOptions(resume=tmp_path / "kept")
        model = open_model(getattr(server, form))
        pickled, first = pickle.dumps(model), nonplus.evaluate("A cold night.", model=model, options=options)
        for start in range(12):  # sums that are nats apart, so that any digits of them differ
            server.twist = Rounded(start)
            again = open_model(getattr(server, form))
            assert again.identity == model.identity == pickle.loads(pickled).identity
            before = len(server.asked)
            assert nonplus.evaluate("A cold night.", model=again, options=options).tally == first.tally
            assert len(server.asked) == before


@FORMS
def test_other_weights_under_the_same_name_get_no_scores_that_were_kept(form, tmp_path):
    with serving() as server:
        options = nonplus.RunOptions(resume=tmp_path / "kept")
        model = open_model(getattr(server, form))
        pickled = pickle.dumps(model)
        nonplus.evaluate("A cold night.", model=model, options=options)
        server.twist = trained_on
        other = open_model(getattr(server, form))
        with pytest.raises(BadModel, match=r"has other weights than those whose scores resume=.* give another folder"):
            nonplus.evaluate("A cold night.", model=other, options=options)
        with pytest.raises(BadModel, match=r"was pickled with other weights: .* pickle it again"):
            pickle.loads(pickled)


def test_what_a_server_says_with_each_answer_anew_is_no_part_of_the_identity():
    with serving() as server:
        identities = set()
        for created in (1, 2):
            server.models["data"][0] |= {"created": created, "permission": [{"id": f"modelperm-{created}"}]}
            identities.add(open_model(server.windows).identity)
        server.models["data"][0]["root"] = "another folder"
        assert len(identities) == 1
        assert open_model(server.windows).identity not in identities


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_the_double_is_a_server_that_keeps_the_contract():
    with serving() as server:
        assert isinstance(server, Loopback)
        open_model(server.name)
