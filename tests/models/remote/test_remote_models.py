"""A model of a server has the figures of the same model in this process, however it is
asked.
"""

import math
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("urllib3", reason="servers are asked by it")

from completions_server import Asked, Loopback, columns, serving
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nonplus
from nonplus.errors import BadModel, BadProtocol
from nonplus.measure.batches import Row, batch
from nonplus.measure.conformance import examine
from nonplus.measure.forward import RunOptions
from nonplus.measure.records import Batch, Document
from nonplus.models import has_device, open_model
from nonplus.models.loading import Loading
from nonplus.models.remote.tokenizers import OwnTokenizer

TEXTS = ["It was a cold night.", "The quick brown fox jumps over the lazy dog.", "A\nwörd, 日本 and 😀"]
LONG = " ".join(TEXTS[:2] * 60)
KEY = "sk-not-to-be-seen"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with serving() as loopback:
        yield loopback


@pytest.fixture(scope="module")
def with_bos() -> Iterator[Loopback]:
    with serving(adds_bos=True) as loopback:
        yield loopback


def nats(texts: Any, model: Any, **options: Any) -> list[list[float]]:
    return [scored.nats.tolist() for scored in nonplus.score(texts, model=model, **options)]


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["full", "stride:64", "gptq:128", "llama.cpp:64"])
@pytest.mark.parametrize("wire", ["echo", "prompt_logprobs"])
def test_token_ids_have_the_scores_of_the_same_model_here_under_any_protocol(wire, protocol):
    chosen = nonplus.Protocol.named(protocol).but(**({"window": 128, "stride": 0} if protocol == "full" else {}))
    with serving(wire=wire) as loopback:
        there = nats([LONG], loopback.windows, protocol=chosen)
    np.testing.assert_allclose(there, nats([LONG], "bundled:tiny", protocol=chosen), atol=1e-4)


def test_each_target_is_scored_after_its_own_input_also_where_it_is_not_the_next_token(server):
    here, there = open_model("bundled:tiny"), open_model(server.windows)
    row = Row(np.array([0, 5, 6, 7, 8]), np.array([100, 7, 300]))
    asked = batch([[Row(np.array([0, 9]), np.array([10]))], [row]])
    np.testing.assert_allclose(there.logprobs(asked), here.logprobs(asked), atol=1e-4)


def test_no_more_is_asked_than_a_prompt_for_each_window(server):
    model = open_model(server.windows)
    before = len(server.asked)
    nonplus.evaluate(TEXTS, model=model)
    assert len(server.asked) - before == len(TEXTS)


def test_a_window_leaves_room_for_its_last_target_and_for_the_token_that_servers_generate(server):
    assert open_model(server.windows).max_context == 512
    sent = {len(asked.prompt) for asked in server.asked}
    nonplus.evaluate(LONG * 2, model=server.windows)
    assert max({len(asked.prompt) for asked in server.asked} - sent) == 513


def test_a_server_that_tells_no_limit_has_that_of_the_tokenizer_and_its_refusal_says_what_to_do():
    with serving(models={"data": [{"id": "tiny"}]}) as loopback:
        model = open_model(loopback.windows)
        loopback.faults.append(lambda handler: handler.send(400, {"error": {"message": "at most 64 tokens"}}))
        with pytest.raises(
            BadModel, match=r"\(400: at most 64 tokens\); use a window=… below the 1\d tokens that were"
        ):
            nonplus.evaluate(TEXTS[1], model=model)


WHOLE = nonplus.Protocol.named("full").but(bos="none", window=512)


@pytest.mark.parametrize("texts", [TEXTS, [Document(text="night.", context="It was a cold ")]])
def test_texts_have_the_scores_and_the_bytes_of_the_same_model_here(server, with_bos, texts):
    for loopback, protocol in ((server, WHOLE), (with_bos, WHOLE.but(bos="every"))):
        here = list(nonplus.score(texts, model="bundled:tiny", protocol=protocol))
        there = list(nonplus.score(texts, model=loopback.name))
        for one, other in zip(here, there, strict=True):
            np.testing.assert_allclose(other.nats, one.nats, atol=1e-4)
            assert other.index.tolist() == one.index.tolist()
            assert other.seen.tolist() == one.seen.tolist()
            # a server tells whole characters, so a part of one ends where it begins
            assert other.tokens.byte_ends[-1] == one.tokens.byte_ends[-1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(text=st.text(min_size=1, max_size=20).filter(lambda text: "\r" not in text))
def test_the_tokens_of_any_text_tile_it_and_each_but_the_first_is_scored_once(server, text):
    (scored,) = nonplus.score([text], model=server.name)
    assert len(scored.index) == len(scored.tokens.ids) - 1
    ends = scored.tokens.byte_ends.tolist()
    assert ends == sorted(ends)
    assert ends[-1] == len(text.encode())
    assert "".join(row.text for row in scored.rows(lambda token: "")) == text  # type: ignore[arg-type]


def test_the_order_of_texts_changes_nothing(server):
    for name in (server.name, server.windows):
        assert nats(TEXTS[::-1], name) == nats(TEXTS, name)[::-1]


def test_minus_9999_is_probability_zero(server):
    def without_one(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
        if "potato" in answer["choices"][0]["text"]:
            columns(answer)["token_logprobs"][-1] = -9999.0
        return answer

    with serving(twist=without_one) as loopback:
        for name in (loopback.windows, loopback.name):
            (own,) = nats(["A hot potato"], name)
            assert own[-1] == math.inf
            assert nonplus.evaluate(["A hot potato"], model=name).to_dict()["perplexity"] == "Infinity"


def without_offsets(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """As SGLang answers."""
    columns(answer)["text_offset"] = [-1] * len(columns(answer)["tokens"])
    return answer


def with_none(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    columns(answer)["text_offset"] = None
    return answer


def in_bytes(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    own = columns(answer)
    own["text_offset"] = [len("".join(own["tokens"])[:begin].encode()) for begin in own["text_offset"]]
    return answer


def elsewhere_in_part(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    own = columns(answer)
    own["tokens"] = [token.replace("rd", "x\N{REPLACEMENT CHARACTER}") for token in own["tokens"]]
    return answer


@pytest.mark.parametrize(
    ("twist", "says"),
    [
        (elsewhere_in_part, "gives text offsets at which its tokens do not stand in the text for text 3"),
        (without_offsets, "gives text offsets at which its tokens do not stand in the text for text 3"),
        (in_bytes, "gives text offsets at which its tokens do not stand in the text for text 3"),
        (with_none, "gives no text offsets for text 3"),
    ],
)
def test_offsets_that_do_not_lead_to_the_tokens_are_refused(twist, says):
    with (
        serving(twist=twist) as loopback,
        pytest.raises(BadModel, match=f"{says}, so the bytes of its tokens are not known; name the tokenizer"),
    ):
        nats([Document(text=TEXTS[2], id="text 3")], loopback.name)


def test_a_text_that_is_too_long_for_the_server_is_named_with_what_to_do(server):
    model = open_model(server.name)
    server.faults.append(lambda handler: handler.send(400, {"error": {"message": "at most 64 tokens"}}))
    with pytest.raises(BadModel, match=r"\(400: at most 64 tokens\); text 1 may be too long: name the tokenizer"):
        nats([LONG], model)


def test_a_server_gives_no_alternatives_in_either_form(server):
    for name in (server.name, server.windows):
        with pytest.raises(
            BadModel, match="gives no whole distributions, so there are no alternatives to read; use alternatives=0"
        ):
            nats(TEXTS, name, options=RunOptions(alternatives=2))


def test_the_report_says_what_was_asked(server):
    for name, form in ((server.windows, "full|window:512|"), (server.name, "server|cut:whole|bos:none|")):
        report = nonplus.evaluate(TEXTS, model=name)
        assert report.model == f"tiny at {server.url}"
        assert report.protocol.signature == f"{form}{'stride:511|bos:every(0)|' * ('full' in form)}dtype:server's dtype"


def test_no_protocol_can_be_chosen_for_a_server_that_is_sent_texts(server):
    with pytest.raises(BadProtocol, match=r"scores whole texts in its own way \(server.cut:whole.bos:none"):
        nonplus.evaluate(TEXTS, model=server.name, protocol="stride:64")


@pytest.mark.parametrize("form", ["name", "windows"])
def test_every_check_of_a_model_passes(server, form):
    checks = list(examine(open_model(getattr(server, form))))
    assert [check for check in checks if not check.passed] == []
    assert len(checks) >= 2


@pytest.mark.parametrize("form", ["name", "windows"])
def test_a_second_run_asks_for_nothing_that_was_kept(server, tmp_path, form):
    model = open_model(getattr(server, form))
    options = RunOptions(resume=tmp_path / "kept")
    first = nats(TEXTS, model, options=options)
    before = len(server.asked)
    assert nats(TEXTS, model, options=options) == first
    assert len(server.asked) == before
    nats([*TEXTS, "One more."], model, options=options)
    assert len(server.asked) == before + 1


@pytest.mark.parametrize("form", ["name", "windows"])
def test_a_pickle_opens_the_model_again_and_has_no_key(monkeypatch, form):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(key=KEY) as loopback:
        model = open_model(getattr(loopback, form))
        pickled = pickle.dumps(model)
        assert KEY.encode() not in pickled
        assert nats(TEXTS, pickle.loads(pickled)) == nats(TEXTS, model)
        assert KEY not in str(nonplus.evaluate(TEXTS, model=model).to_dict())
        loopback.models["data"][0]["root"] = "another"
        with pytest.raises(BadModel, match="pickle it again"):
            pickle.loads(pickled)


def test_another_key_is_named_by_its_variable(monkeypatch):
    monkeypatch.setenv("LAB_KEY", KEY)
    with serving(key=KEY) as loopback:
        open_model(f"{loopback.name},key=LAB_KEY")
        with pytest.raises(BadModel, match="set the environment variable OPENAI_API_KEY"):
            open_model(loopback.name)


@pytest.mark.parametrize("loading", [Loading(), Loading(dtype="bfloat16")])
@pytest.mark.parametrize(
    "name",
    [
        f"https://me:{KEY}@127.0.0.1/v1#tiny",
        f"https://127.0.0.1/v1?key={KEY}#tiny",
        f"https://127.0.0.1/v1#tiny,key={KEY}",
        f"https://127.0.0.1/v1#tiny,key={KEY.replace('-', '_')}",
        f"https://127.0.0.1/v1#tiny,{KEY}",
        f"https://127.0.0.1/v1#tiny,{KEY}=x",
        f"https://127.0.0.1/v1#tiny,key=LAB_KEY,{KEY}",
    ],
)
def test_a_key_in_the_name_of_a_model_is_in_no_message(name, loading):
    with pytest.raises(BadModel) as refused:
        open_model(f"openai:{name}", loading=loading)
    assert "not-to-be-seen" not in str(refused.value).replace("_", "-")


def test_a_model_of_a_server_is_loaded_by_the_server(server):
    assert not has_device(server.name)
    for option in ({"dtype": "float16"}, {"device": "cuda"}, {"adapter": "a"}, {"packing": True}):
        ((name, value),) = option.items()
        with pytest.raises(BadModel, match=f"so {name}={value!r} has no effect; omit {name}="):
            open_model(server.name, loading=Loading(**option))


@pytest.mark.parametrize(
    ("ending", "says"),
    [
        ("", "is named without a model; write one after the #, of tiny"),
        ("#tinny", "has no model 'tinny'; write one after the #, of tiny; did you mean tiny"),
        ("#tiny,tokeniser=x", "may come ,tokenizer=FOLDER and ,key=NAME, each once, and what comes after comma 1 is"),
        ("#tiny,key=A,key=B", "what comes after comma 2 is neither"),
        ("#tiny,key", "what comes after comma 1 is neither"),
        ("#tiny,tokenizer=nowhere", "there is no folder 'nowhere'"),
    ],
)
def test_names_that_are_wrong_are_refused_with_what_there_is(server, ending, says):
    with pytest.raises(BadModel, match=says):
        open_model(f"openai:{server.url}{ending}")


@pytest.mark.parametrize("models", [[], {"data": "none"}, {"data": [{"id": 5}, "tiny"]}, 5])
def test_a_list_of_models_that_is_none_has_no_model(models):
    with serving(models=models) as loopback, pytest.raises(BadModel, match="of which it lists none"):
        open_model(loopback.name)


def test_many_models_are_listed_in_part(server):
    with (
        serving(models={"data": [{"id": f"model-{n}"} for n in range(14)]}) as loopback,
        pytest.raises(BadModel, match=r"of model-0, .*, model-9 and 4 more; did you mean model-13"),
    ):
        open_model(f"openai:{loopback.url}#model-133")


def test_the_wrong_url_of_a_server_is_told_from_no_server(server):
    with pytest.raises(BadModel, match=r"has nothing there \(404: Not Found\); .*usually ends in /v1, before the #"):
        open_model(f"openai:{server.url.removesuffix('/v1')}#tiny")


@pytest.mark.slow
def test_a_folder_without_tokenizer_json_is_read_by_transformers(tmp_path):
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    transformers.ByT5Tokenizer().save_pretrained(tmp_path)
    own = OwnTokenizer.named(str(tmp_path))
    assert own.prompt("ab") == [3 + ord("a"), 3 + ord("b")]  # ByT5: bytes after three special tokens
    assert own.id_bound == 3 + 256 + 125


def test_a_tokenizer_of_another_model_is_refused(server, data):
    with pytest.raises(BadModel, match=r"spell .* there; name the tokenizer of that model"):
        open_model(f"{server.name},tokenizer={Path(data) / 'models' / 'stories260K'}")


def test_the_batch_of_a_window_model_may_have_padding(server):
    here, there = open_model("bundled:tiny"), open_model(server.windows)
    asked = Batch(
        np.array([[0, 5, 6], [0, 9, 0]]), np.array([[0, 1, 2]] * 2), np.array([0, 2, 4]), np.array([5, 7, 11])
    )
    np.testing.assert_allclose(there.logprobs(asked), here.logprobs(asked), atol=1e-4)
