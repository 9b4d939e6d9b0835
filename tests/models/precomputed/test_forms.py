"""What other tools write is recognised by its content, and has the figures of its
numbers.
"""

import bz2
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nonplus
from nonplus.errors import BadInput, BadModel
from nonplus.models.loading import Loading
from nonplus.models.precomputed.opening import open_scores

FIXTURES = Path(__file__).parent / "fixtures"
TEXT = "The rain fell on “Paris” — né."
pytestmark = pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning")


def opened(folder: Path, *objects: Any, base: str = "") -> Any:
    path = folder / "scores.jsonl"
    path.write_text("\n".join(map(json.dumps, objects)), encoding="utf-8")
    return open_scores(f"{path}{base}")


def measured(model: Any) -> Any:
    return nonplus.evaluate(model.texts, model=model)


def plain(*logprobs: Any, **more: Any) -> dict[str, Any]:
    return {"tokens": [f" w{n}" for n in range(len(logprobs))], "token_logprobs": list(logprobs), **more}


def completion(tokens: list[str], logprobs: list[Any], *, written: int = 0, **choice: Any) -> dict[str, Any]:
    """A response as the documentation of OpenAI has it."""
    found = {"tokens": tokens, "token_logprobs": logprobs, "top_logprobs": None, **choice.pop("found", {})}
    usage = {"prompt_tokens": len(tokens) - written, "completion_tokens": written}
    return {"id": "c", "model": "m", "choices": [{"logprobs": found, **choice}], "usage": usage}


def chat(*content: tuple[str, list[int] | None, float]) -> dict[str, Any]:
    told = [{"token": token, "bytes": data, "logprob": logprob, "top_logprobs": []} for token, data, logprob in content]
    return {"id": "c", "model": "m", "choices": [{"message": {"content": "x"}, "logprobs": {"content": told}}]}


@pytest.mark.parametrize("name", ["vllm_echo.json", "vllm_prompt.json"])
def test_answers_of_a_real_vllm_have_the_figure_that_its_model_has_here(name: str) -> None:
    model = open_scores(str(FIXTURES / name))
    report = measured(model)
    own = nonplus.evaluate(TEXT, model="bundled:base", protocol=nonplus.Protocol(bos="none"))
    assert report.nats == pytest.approx(own.nats, abs=1e-4)
    assert (report.tally.scored, report.tally.unscored) == (own.tally.scored, own.tally.unscored)
    assert (report.tally.bytes, report.tally.chars) == (own.tally.bytes, own.tally.chars)
    assert report.model == "base"
    assert "protocol:unknown" in report.protocol.signature


def test_an_echo_has_the_text_and_leaves_out_what_the_model_wrote_after_it() -> None:
    (text,) = open_scores(str(FIXTURES / "vllm_echo.json")).texts
    assert text.text == TEXT


def test_ids_tell_which_candidate_the_prompt_has() -> None:
    model = open_scores(str(FIXTURES / "vllm_ids.json"))
    own = nonplus.evaluate("The rain fell on “Paris”", model="bundled:base", protocol=nonplus.Protocol(bos="none"))
    assert measured(model).nats == pytest.approx(own.nats, abs=1e-4)


def test_text_that_the_model_wrote_is_labelled_so() -> None:
    report = measured(open_scores(str(FIXTURES / "vllm_gen.json")))
    logprobs = json.loads((FIXTURES / "vllm_gen.json").read_text())["choices"][0]["logprobs"]["token_logprobs"]
    assert report.nats == pytest.approx(-math.fsum(logprobs))
    assert report.protocol.signature == "scores|form:completions|of:generated|protocol:unknown"
    assert any("wrote the text itself" in caution for caution in report.cautions)


def test_candidates_without_ids_are_refused_because_nothing_tells_the_texts_own(tmp_path: Path) -> None:
    candidates = {"1": {"logprob": -1.0, "decoded_token": "a"}, "2": {"logprob": -2.0, "decoded_token": "b"}}
    with pytest.raises(BadInput, match=r"token 1 has 2 candidates.*prompt_logprobs=0, or add return_token_ids"):
        opened(tmp_path, {"prompt_logprobs": [None, candidates]})


def test_a_chat_has_the_bytes_of_its_tokens(tmp_path: Path) -> None:
    model = opened(
        tmp_path, chat(("Né", [78, 195, 169], -1.0), ("\\xe2\\x80", [0xE2, 0x80], -2.0), ("x", [0x93], -3.0))
    )
    assert [text.text for text in model.texts] == ["Né–"]
    report = measured(model)
    assert (report.nats, report.tally.bytes, report.tally.scored) == (6.0, 6, 3)


def test_a_chat_without_bytes_has_the_texts_of_its_tokens(tmp_path: Path) -> None:
    report = measured(opened(tmp_path, chat(("Hi", None, -1.0), (" you", None, -2.0))))
    assert report.tally.bytes == 6


def test_batches_of_openai_are_unpacked_and_named_by_their_requests(tmp_path: Path) -> None:
    lines = [
        {"custom_id": f"request {n}", "response": {"status_code": 200, "body": chat(("Hi", [72, 105], -n * 1.0))}}
        for n in (1, 2)
    ]
    model = opened(tmp_path, *lines)
    assert [text.id for text in model.texts] == ["request 1", "request 2"]


def test_parts_of_characters_are_laid_by_their_offsets(tmp_path: Path) -> None:
    told = completion(["a", "�", "�"], [None, -1, -1], text="aé", found={"text_offset": [0, 1, 2]})
    report = measured(opened(tmp_path, told))
    assert report.tally.bytes == 2
    assert report.bits_per_byte is not None


def test_parts_of_characters_without_offsets_give_no_figures_per_byte(tmp_path: Path) -> None:
    report = measured(opened(tmp_path, plain(-1, -1) | {"tokens": ["a", "�"]}, plain(None, -1)))
    assert report.perplexity == pytest.approx(math.e)
    assert (report.bits_per_byte, report.word_perplexity, report.bits_per_char) == (None, None, None)
    assert report.interval_bits_per_byte is None
    assert "bytes" not in repr(report)


def test_special_tokens_that_the_text_lacks_cover_nothing(tmp_path: Path) -> None:
    (text,) = opened(tmp_path, completion(["<s>", "a", " b"], [None, -1, -2], text="a b")).texts
    assert text.text == "a b"


@pytest.mark.parametrize("begin", ["▁", "Ġ", "Ċ"])
def test_tokens_as_vocabularies_spell_them_give_no_figures_per_byte(tmp_path: Path, begin: str) -> None:
    pieces = {"tokens": ["The", f"{begin}end"], "token_logprobs": [None, -1.5]}
    report = measured(opened(tmp_path, pieces))
    assert (report.nats, report.bits_per_byte) == (1.5, None)
    told = measured(opened(tmp_path, pieces | {"text": f"The{begin}end"}))  # a text may have that letter
    assert told.tally.bytes == len(f"{begin}end".encode())


def test_offsets_are_believed_where_the_text_has_the_tokens(tmp_path: Path) -> None:
    def scored_bytes(tokens: list[str], offsets: list[int], text: str) -> Any:
        logprobs = [None, *[-1.0] * (len(tokens) - 1)]
        told = completion(tokens, logprobs, text=text, found={"text_offset": offsets})
        (own,) = opened(tmp_path, told).read()
        return own.tokens.byte_ends.tolist() if own.tokens.sized else None

    # a token before the text counts among the offsets of some servers only
    assert scored_bytes(["<s>", "The\ufffd", " end"], [0, 3, 7], "Theé end") == [0, 5, 9]
    assert scored_bytes(["<s>", "The\ufffd", " end"], [0, 0, 4], "Theé end") == [0, 5, 9]
    assert scored_bytes(["The\ufffd", "\ufffd end"], [0, 4], "Theé end") == [5, 9]
    assert scored_bytes(["The\ufffd", " end"], [0, 3], "Theé end") is None
    assert scored_bytes(["The\ufffd", " end"], [4, 8], "é Theé end") is None


def test_null_is_unscored_and_several_words_are_probability_zero(tmp_path: Path) -> None:
    report = measured(opened(tmp_path, plain(None, -9999.0, "-inf", -1.5)))
    assert (report.tally.unscored, report.tally.zeros, report.tally.scored) == (1, 2, 3)
    assert report.perplexity == math.inf


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.none() | st.floats(-50, 0), min_size=1, max_size=6), min_size=1, max_size=5))
def test_the_sum_is_that_of_the_numbers_and_each_counts_once(tmp_path: Path, rows: list[list[float | None]]) -> None:
    rows = [[row[0] or None, *row[1:]] for row in rows]  # a first token with 0 is refused
    scored = [each for row in rows for each in row if each is not None]
    model = opened(tmp_path, *(plain(*row) for row in rows))
    if not scored:
        with pytest.raises(BadInput, match="no token could be scored"):
            measured(model)
        return
    report = measured(model)
    assert report.nats == pytest.approx(-math.fsum(scored), abs=1e-9)
    assert report.tally.scored == len(scored)
    assert report.tally.unscored == sum(map(len, rows)) - len(scored)


def test_bases_are_stated_in_the_object_or_after_the_name(tmp_path: Path) -> None:
    assert measured(opened(tmp_path, plain(-2))).nats == 2
    assert measured(opened(tmp_path, plain(-2, base="bits"))).nats == pytest.approx(2 * math.log(2))
    assert measured(opened(tmp_path, plain(-2), base="#log10")).nats == pytest.approx(2 * math.log(10))
    assert measured(opened(tmp_path, plain(-2, base="nats"), base="#log10")).nats == 2
    with pytest.raises(BadInput, match="has the base 'e'; known are nats, bits, log10"):
        measured(opened(tmp_path, plain(-2, base="e")))


def test_the_base_is_part_of_what_a_model_is(tmp_path: Path) -> None:
    named, other = opened(tmp_path, plain(-2), base="#bits"), opened(tmp_path, plain(-2))
    assert named.identity != other.identity
    assert named.protocol.fingerprint != other.protocol.fingerprint
    assert named.protocol.signature == "scores|form:tokens|of:prompt|base:bits|protocol:unknown"


def test_a_run_over_scores_in_a_file_keeps_none(tmp_path: Path) -> None:
    model = opened(tmp_path, plain(None, -1.5), plain(None, -9.5))  # the same text, twice
    with pytest.raises(BadModel, match=r"has its scores in a file, so a run has none to keep; omit resume=…"):
        nonplus.evaluate(model.texts, model=model, options=nonplus.RunOptions(resume=tmp_path / "kept"))
    assert measured(model).nats == 11


def test_an_echo_is_refused_where_nothing_tells_its_prompt_from_what_follows(tmp_path: Path) -> None:
    told = completion(["The", " end", "."], [None, -1.5, -0.1], text="The end.", written=1)
    assert measured(opened(tmp_path, told)).nats == 1.5
    told["usage"] = {"prompt_tokens": 2, "total_tokens": 3}  # as OpenAI wrote it where nothing was written
    assert measured(opened(tmp_path, told)).nats == 1.5
    del told["usage"]
    with pytest.raises(BadInput, match=r"no usage.prompt_tokens tells where the prompt ends; save the response whole"):
        opened(tmp_path, told)


def test_text_of_the_model_and_text_given_to_it_are_not_one_figure(tmp_path: Path) -> None:
    given = completion(["The", " end"], [None, -1.5], text="The end")
    with pytest.raises(BadInput, match=r"line 2 has text that the model wrote itself.* that was given to the model"):
        measured(opened(tmp_path, given, completion([" x", " y"], [-1.0, -2.0], text=" x y", written=2)))


def test_a_prompt_has_the_value_of_its_own_id(tmp_path: Path) -> None:
    told = {"prompt_logprobs": [None, {"5": {"logprob": -1, "decoded_token": " x"}}]}
    with pytest.raises(BadInput, match="token 1 has no log-probability of the id 7, which stands there") as wrong:
        opened(tmp_path, told | {"prompt_token_ids": [1, 7]})
    assert str(wrong.value).count("line 1") == 1
    assert measured(opened(tmp_path, told | {"prompt_token_ids": [1, 5]})).nats == 1


def test_several_texts_of_one_answer_have_names_of_their_own(tmp_path: Path) -> None:
    told = completion(["The", " end"], [None, -1.5], text="The end")
    told["choices"] *= 2
    assert [text.id for text in opened(tmp_path, told).texts] == ["c:1", "c:2"]


def test_a_name_that_is_no_text_is_none(tmp_path: Path) -> None:
    assert opened(tmp_path, plain(-1, model={"a": 1})).name == "scores.jsonl"


def test_domains_are_tallied(tmp_path: Path) -> None:
    report = measured(opened(tmp_path, plain(-1, domain="news"), plain(-3, domain="web"), plain(-5, domain="web")))
    assert {name: own.nats for name, own in report.by_domain()} == {"news": 1, "web": 8}


@pytest.mark.parametrize("pretty", [True, False])
def test_one_answer_may_be_saved_over_many_lines_or_in_a_list(tmp_path: Path, pretty: bool) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(plain(-1) if pretty else [plain(-1)], indent=2))
    assert measured(open_scores(str(path))).nats == 1


def test_packed_files_and_parquet_are_read_alike(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [plain(None, -1, -9999.0), plain(-2, -3, -4)]
    (tmp_path / "scores.bz2").write_bytes(bz2.compress("\n".join(map(json.dumps, rows)).encode()))
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "scores.parquet")
    tallies = [measured(open_scores(str(tmp_path / f"scores.{suffix}"))).tally for suffix in ("bz2", "parquet")]
    assert tallies[0].nats == tallies[1].nats
    assert tallies[0].zeros == tallies[1].zeros == 1


WRONG = [
    ({"text": "a"}, r"in no form that is known \(its keys: text\); known are .*token_logprobs"),
    ({"choices": [{"text": "a", "logprobs": None}]}, "a response without log-probabilities; ask the server for them"),
    (
        {"doc_id": 1, "resps": [["-1.0"]], "doc": {}},
        "sample of lm-eval.*bits per byte and word perplexity, and nothing tells",
    ),
    (plain(-1, 0.5), "line 1, token 1 has the log-probability 0.5, and none is above 0"),
    (plain(0.0, -1), "token 0 has the log-probability 0, as if the model were certain.*write null there, or -1e-9"),
    (completion(["a", "b"], [0.0, -1.0], text="ab"), "token 0 has the log-probability 0"),
    (plain(-1, -(10**400)), "token 1 has -1000.*, where a log-probability is a number or null"),
    (plain(-1, base=["bits"]), r"has the base \['bits'\]; known are nats, bits, log10"),
    (plain(-1, "x"), "token 1 has 'x', where a log-probability is a number or null"),
    (plain(-1, True), "token 1 has True"),
    (plain(-1, math.nan), "token 1 has nan"),
    (plain(-1) | {"token_logprobs": [-1, -2]}, "has 1 tokens and 2 log-probabilities"),
    (plain(-1) | {"tokens": "a"}, "in the form tokens, but not as it should be"),
    (plain(-1) | {"tokens": 7}, "in the form tokens, but not as it should be"),
    (plain(), "has no token with text"),
    (plain(-1, domain=7), "has the domain 7, which is no text"),
    (completion(["a"], ["b"], text="a"), "token 0 has 'b'"),
    ({"choices": [-5.5]}, "a response without log-probabilities"),
    ({"custom_id": "x", "response": {"body": "x"}}, "in no form that is known"),
    ({"tokens": ["a"], "token_logprobs": -1}, "in the form tokens, but not as it should be"),
    (chat((["a"], [97], -1.0)), "in the form chat, but not as it should be"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("value", "why"), WRONG)
def test_what_is_no_form_is_refused_with_its_place(tmp_path: Path, value: Any, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        measured(opened(tmp_path, value))


def test_a_second_form_in_one_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="line 2 is in the form chat, and the file began with tokens"):
        measured(opened(tmp_path, plain(-1), chat(("a", [97], -1.0))))


@pytest.mark.parametrize(
    "content",
    [
        b'{"tokens": ["a"], "token_logprobs": [-' + b"1" * 5000 + b"]}",
        b"",
        b"\n\n",
        b"plain text\n",
        b"\x00\x01",
        b"[1, 2]",
        b'{"tokens": ["\xff"]}',
        b"PAR1x",
    ],
)
def test_what_is_no_file_of_scores_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong"
    path.write_bytes(content)
    with pytest.raises(BadInput):
        open_scores(str(path))


def test_options_of_loading_are_refused(tmp_path: Path) -> None:
    opened(tmp_path, plain(-1))
    with pytest.raises(BadModel, match="cannot be loaded with device='cuda'"):
        open_scores(str(tmp_path / "scores.jsonl"), Loading(device="cuda"))


def test_a_text_at_a_time_is_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    with path.open("w") as file:
        for _ in range(20):
            file.write(json.dumps(plain(*[-1.0] * 5)) + "\n")
        file.write("no JSON")
    model = open_scores(str(path))
    texts = iter(model.texts)
    assert len([next(texts) for _ in range(20)]) == 20
    with pytest.raises(BadInput, match="line 21 is no JSON object"):
        next(texts)
