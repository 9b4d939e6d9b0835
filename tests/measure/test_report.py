"""Reports: every figure follows from the sums and has its interval."""

import json
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from doubles import History
from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.formatting import figure
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.resolved import resolve
from nonplus.measure.records import Document
from nonplus.measure.report import Report
from nonplus.measure.scoring import score
from nonplus.measure.session import Measurement, evaluate
from nonplus.measure.statistics.tally import Tally
from nonplus.models.synthetic import Uniform

KEYS = [
    "perplexity",
    "log_perplexity",
    "nats",
    "tokens",
    "unscored_tokens",
    "bytes",
    "words",
    "chars",
    "bits_per_byte",
    "bits_per_token",
    "word_perplexity",
    "byte_perplexity",
    "interval",
    "documents",
    "protocol",
    "fingerprint",
    "model",
    "seconds",
    "tokens_per_second",
]

texts = st.lists(st.text(min_size=2).filter(lambda t: t.strip() and t.isprintable()), min_size=1, max_size=6)


@given(texts, st.integers(256, 1000))
def test_a_uniform_model_has_the_perplexity_of_its_vocabulary(these: list[str], vocabulary: int) -> None:
    report = evaluate(these, model=Uniform(vocabulary))
    assert report.perplexity == pytest.approx(vocabulary, rel=1e-9)
    assert report.bits_per_token == pytest.approx(math.log2(vocabulary), rel=1e-9)


@given(texts)
def test_every_figure_follows_from_nats_and_its_denominator(these: list[str]) -> None:
    found = evaluate(these, model=History()).to_dict()
    assert found["log_perplexity"] == pytest.approx(found["nats"] / found["tokens"])
    assert found["bits_per_byte"] * math.log(2) * found["bytes"] == pytest.approx(found["nats"])
    assert math.log(found["word_perplexity"]) * found["words"] == pytest.approx(found["nats"])
    assert math.log(found["byte_perplexity"]) * found["bytes"] == pytest.approx(found["nats"])
    assert found["bytes"] == sum(len(text.encode()) for text in these)
    assert found["words"] == sum(len(text.split()) for text in these)


def test_a_report_is_one_json_object_with_the_promised_keys() -> None:
    found = json.loads(json.dumps(evaluate(["ab cd"], model=History()).to_dict(), allow_nan=False))
    assert set(KEYS) <= set(found)


def test_the_conditions_are_printed_beside_the_figure() -> None:
    report = evaluate(["some text"] * 30, model=History(), protocol=Protocol.named("stride:5"))
    lines = dict(report.lines())
    assert lines["protocol"] == "stride:5|window:16|stride:5|bos:every(256)|dtype:float64"
    assert lines["fingerprint"] == f"{report.protocol.fingerprint}  figures compare only where this is equal"
    assert lines["scored"] == "270 tokens, 60 words, 270 bytes of 30 documents"
    assert "30 documents; tokens as if independent" in lines["interval"]


def test_the_mean_of_texts_is_the_mean_of_their_perplexities_and_not_the_perplexity_of_the_whole() -> None:
    these = ["ab", "abcdefgh", "zz"]
    model = History()
    alone = [evaluate([text], model=model).perplexity for text in these]
    report = evaluate(these, model=model, protocol=Protocol.named("evaluate"))
    assert report.perplexity == pytest.approx(sum(alone) / 3, rel=1e-9)
    assert report.perplexity != pytest.approx(evaluate(these, model=model).perplexity, rel=1e-3)


def test_an_interrupted_measurement_is_marked_and_has_its_figures() -> None:
    measurement = Measurement(History(), Protocol())
    for scored in score(["abc", "def"], model=History()):
        measurement.add(scored.texts)
        break
    report = measurement.report(interrupted=True)
    assert report.to_dict()["interrupted"]
    assert report.tally.documents == 1


def test_the_text_of_a_report_is_a_table_and_its_repr_is_one_line() -> None:
    report = evaluate(["some text"] * 30, model=History())
    assert [line.split("  ")[0] for line in str(report).splitlines()] == [name for name, _ in report.lines()]
    assert repr(report).startswith(f"perplexity {figure(report.perplexity)}  [")
    assert f"({report.protocol.signature}; fingerprint {report.protocol.fingerprint})" in repr(report)


def test_a_report_states_its_protocol_and_the_choices_in_it() -> None:
    report = evaluate(["some text"], model=History(), protocol=Protocol.named("stride:5"))
    assert report.protocol.choices.stride == 5
    assert report.to_dict()["protocol"] == report.protocol.as_dict()
    assert (report.protocol.average, report.protocol.denominator) == ("tokens", "scored")


def test_each_domain_has_the_figures_that_it_would_have_alone() -> None:
    these = [Document(text=text, domain=domain) for text, domain in (("abc", "news"), ("abd", "law"), ("xy", "news"))]
    report = evaluate([*these, "no domain"], model=History())
    alone = evaluate([d for d in these if d.domain == "news"], model=History())
    assert [name for name, _ in report.by_domain()] == ["law", "news"]
    assert dict(report.by_domain())["news"].perplexity == alone.perplexity
    assert report.to_dict()["by_domain"]["news"]["bits_per_byte"] == alone.bits_per_byte


def test_each_domain_is_printed_with_its_counts_and_its_interval_or_why_there_is_none() -> None:
    these = [Document(text=f"ab {n}", domain="many") for n in range(3)] + [Document(text="abcd", domain="one")]
    lines = dict(evaluate(these, model=History()).lines())
    assert "[" in lines["  many"]
    assert lines["  many"].endswith("bits per byte, 12 tokens of 3 documents")
    assert (
        "bits per byte, 4 tokens of 1 document; no interval: 1 document cannot show how texts differ" in lines["  one"]
    )


@pytest.mark.parametrize("documents", [1, 2, 3])
def test_terminal_repr_and_json_say_the_same_about_the_interval(documents: int) -> None:
    report = evaluate([f"some text {n}" for n in range(documents)], model=History())
    found, line = report.to_dict(), dict(report.lines())["interval"]
    assert (report.interval is None) == (documents < 3) == (found["interval"] is None)
    assert f"interval: {line}" in repr(report)
    if documents < 3:
        assert line.startswith(f"none: {found['no_interval']}; spread within this text, from ")
        assert found["spread_within_text"]["method"] == "stretches"
    else:
        assert (found["no_interval"], found["spread_within_text"]) == (None, None)


def test_the_mean_of_texts_has_no_interval_and_the_reason_is_given() -> None:
    report = evaluate([f"text {n}" for n in range(30)], model=History(), protocol=Protocol.named("evaluate"))
    assert (report.interval, report.independent, report.design_effect) == (None, None, None)
    assert "one text can outweigh all others" in dict(report.lines())["interval"]
    assert report.interval_bits_per_byte is not None


def test_positions_show_how_the_surprisal_falls_with_the_tokens_seen() -> None:
    report = evaluate(["abcdefgh"], model=History())
    assert [(row.seen_from, row.seen_to, row.tokens) for row in report.positions] == [
        (1, 1, 1),
        (2, 3, 2),
        (4, 7, 4),
        (8, 15, 1),
    ]


def test_a_figure_that_does_not_exist_is_none_in_the_whole_and_in_a_domain() -> None:
    domains = (("blank", Tally(documents=1, unscored=1)),)
    report = replace(evaluate(["abc"], model=History()), tally=Tally(), domains=domains)
    ((_, domain),) = report.by_domain()
    for each in (report, domain, replace(report, protocol=resolve(Protocol.named("evaluate"), History()))):
        assert (each.perplexity, each.log_perplexity, each.bits_per_token, each.bits_per_byte) == (None,) * 4
        assert math.isnan(float(each))
        assert dict(each.lines())["perplexity"] == "-"
    assert report.to_dict()["by_domain"]["blank"]["perplexity"] is None


def test_a_report_without_a_model_or_a_time_has_no_key_and_no_line_about_them() -> None:
    whole = evaluate(["abc"], model=History())
    bare = Report(tally=whole.tally, protocol=whole.protocol)
    about = {"model", "model_identity", "tokenizer_identity", "seconds", "tokens_per_second"}
    assert set(whole.to_dict()) - set(bare.to_dict()) == about
    assert set(dict(whole.lines())) - set(dict(bare.lines())) == {"model", "time"}
    assert bare.tokens_per_second is None


@pytest.mark.parametrize(
    ("weights", "tokens"), [([1, 1, 1], 3), ([0.5, 0.25], 0.75), ([2 / 3] * 3, 2), ([1 / 3] * 4, pytest.approx(4 / 3))]
)
def test_tokens_are_an_integer_where_their_weights_add_up_to_one(weights: list[float], tokens: float) -> None:
    tally = Tally(scored=len(weights), tokens=sum(round(weight * 2**40) for weight in weights))
    found = Report(tally=tally, protocol=resolve(Protocol(), History())).tokens
    assert found == tokens
    assert isinstance(found, int) == (tokens in (2, 3))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (1.98765, "1.988"),
        (21.98765, "21.99"),
        (21987.65, "21,988"),
        (123456789.0, "123,456,789"),
        (4.7e21, "4.700e+21"),
        (0.0, "0.0000"),
        (9.9999, "10.000"),
        (math.inf, "infinite"),
        (None, "-"),
    ],
)
def test_numbers_are_rounded_as_people_read_them(value: float | None, text: str) -> None:
    assert figure(value) == text


def test_an_original_that_the_caller_gives_is_what_is_divided_by() -> None:
    document = Document(text=" a , b ", original="what it was before")
    report = evaluate([document], model=History(), protocol=Protocol.named("lm-eval").but(detokenize="wikitext"))
    assert (report.tally.bytes, report.tally.words) == (len("what it was before"), 4)


def test_an_interrupted_document_divides_only_by_what_was_scored() -> None:
    (whole,) = score(["ab cd ef"], model=History(), protocol=Protocol.named("lm-eval"))
    columns = {name: getattr(whole, name)[:3] for name in ("index", "nats", "weight", "seen")}
    part = replace(whole.texts, **columns, partial=np.array([True]))
    measurement = Measurement(History(), Protocol.named("lm-eval"))
    assert [sums.sums.bytes for texts in (part, whole.texts) for sums in measurement.add(texts)] == [3, 8]


def test_no_interval_reaches_below_what_a_figure_can_be() -> None:
    report = evaluate(["a" * 2, "ab" * 40, "the end"], model=History(), level=0.999)
    found = report.to_dict()
    for name, least in (("interval", 1), ("interval_bits_per_byte", 0), ("interval_if_tokens_were_independent", 1)):
        assert least <= found[name]["low"] < found[name]["high"]
    assert found["interval_bits_per_byte"]["low"] == 0


@pytest.mark.parametrize("level", [np.float32(0.5), np.float64(0.5), Fraction(1, 2)])
def test_a_level_may_be_any_number_and_json_has_it(level: float) -> None:
    report = evaluate(["ab", "abc", "ad"], model=History(), level=level)
    assert json.loads(json.dumps(report.to_dict()))["interval"]["level"] == 0.5


def test_the_tokenizer_is_named_beside_the_figure() -> None:
    found = evaluate(["ab"], model=History()).to_dict()
    assert found["tokenizer_identity"] == History().tokenizer.identity
