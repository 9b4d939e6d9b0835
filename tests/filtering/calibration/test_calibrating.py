"""What a sample tells about cuts, compared with slow recounts of it."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonplus.filtering.calibration.advice import advice
from nonplus.filtering.calibration.calibrating import calibrate
from nonplus.filtering.calibration.expected import Expected
from nonplus.filtering.calibration.languages import of_language
from nonplus.filtering.calibration.writing import Writing
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.samples.sample import Sample, Whole
from nonplus.filtering.scoring.columns import ScoreColumns

QUANTILES = {"en": {"0.50": 80.0, "0.99": 250.0}}
LN2 = np.log(2)


def sample_of(bits, *, languages=None, sources=None, tokens=50, size=200, documents=None, units=(1, 1), repeated=None):
    """A sample of documents of so many bits per byte."""
    bits = np.asarray(bits, float)
    number = len(bits)
    zeros = np.zeros(number, np.int64)
    has = ~np.isnan(bits)
    sizes = np.broadcast_to(size, number).astype(np.int64) * has
    columns = ScoreColumns(
        nats=np.where(has, bits, 0) * sizes * LN2,
        tokens=np.broadcast_to(tokens, number).astype(np.int64) * has,
        bytes=sizes,
        unknown=zeros,
        error=np.full(number, np.nan),
        worst=bits + 1,
        worst_begin=zeros,
        worst_end=zeros + 9,
    )
    return Sample(
        columns=columns,
        texts=[f"text {place}" for place in range(number)],
        places=[f"a.jsonl:{place}" for place in range(number)],
        sources=sources or ["a.jsonl"] * number,
        languages=languages,
        clusters=np.arange(number),
        repeated=np.zeros(number) if repeated is None else np.array(repeated),
        whole=Whole(
            documents=documents or 10 * number,
            bytes=size * (documents or 10 * number),
            rejected=3,
            disk_bytes=10**6,
            units=units[1],
            units_read=units[0],
        ),
    )


def body(number=400, middle=2.0, seed=1):
    return middle + 0.2 * np.random.default_rng(seed).standard_normal(number)


def mixed():
    """English with noise, and German that the model does not know."""
    bits = np.concatenate([body(), np.full(30, 7.0), body(100, 4.5)])
    languages = ["en"] * 430 + ["de"] * 100
    return sample_of(bits, languages=languages, sources=["news"] * 400 + ["noise"] * 30 + ["news"] * 100)


@settings(max_examples=30)
@given(st.lists(st.floats(0.1, 12), min_size=100, max_size=150), st.randoms(use_true_random=False))
def test_a_higher_bound_keeps_no_less_and_each_step_is_a_recount(bits, random):
    sizes = np.array([random.randint(1, 999) for _ in bits])
    sample = sample_of(bits, size=sizes)
    found = calibrate(sample, quantiles={})
    for side, direction in (("at most", 1), ("at least", -1)):
        steps = [step for step in found.steps if step.side == side]
        assert steps
        assert [step.bound for step in steps] == sorted({step.bound for step in steps})
        for unit in range(3):
            values = [step.kept[unit].value for step in steps][::direction]
            assert values == sorted(values)
        for step in steps:
            kept = [b <= step.bound if side == "at most" else b >= step.bound for b in sample.bits]
            assert step.kept[0].value == pytest.approx(sum(kept) / len(bits))
            assert step.kept[2].value == pytest.approx(sum(sizes[kept]) / sum(sizes))


def test_the_rule_is_one_of_nonplus_filter_run_and_keeps_what_the_page_says():
    sample = mixed()
    found = calibrate(sample, quantiles=QUANTILES)
    scored = Scored(columns=sample.columns.as_dict(), attributes={"language": sample.languages})
    assert (parsed(found.rule).decide(scored).keep == found.kept).all()
    assert found.shares[0].value == pytest.approx(np.mean(found.kept))
    assert found.strata.whole.after.tolist() == [500, 500 * 50, 500 * 200]


def test_a_bound_is_told_from_the_languages_of_the_model_and_others_stay():
    found = calibrate(mixed(), quantiles=QUANTILES)
    alone = calibrate(sample_of(np.concatenate([body(), np.full(30, 7.0)])), quantiles={})
    assert found.bounds.high == alone.bounds.high
    assert found.kept[430:].all()
    assert not found.kept[400:430].any()
    assert found.known.share == pytest.approx(430 / 530)
    assert found.rule == f'bits_per_byte <= {found.bounds.high:g} or language != "en"'


def test_what_says_no_language_is_held_to_the_same_bounds():
    bits = np.concatenate([body(), [7.0, 7.0, 7.0, 2.0]])
    found = calibrate(sample_of(bits, languages=["en"] * 401 + ["de", None, None]), quantiles=QUANTILES)
    assert found.kept[-4:].tolist() == [False, True, False, True]


def test_too_few_documents_in_the_language_of_the_model_have_no_recommendation():
    found = calibrate(sample_of(body(), languages=["de"] * 301 + ["en"] * 99), quantiles=QUANTILES)
    assert (found.bounds, found.rule) == (None, "")
    assert "99 documents in en" in found.refusal
    assert found.kept.all()


def test_text_that_does_not_look_like_the_models_own_has_no_recommendation():
    perplexing = sample_of(body(middle=5.0))  # 200 bytes, 50 tokens: exp(5 * 200 * ln 2 / 50) is a million
    found = calibrate(perplexing, quantiles=QUANTILES)
    assert found.bounds is None
    assert "less than half of the text looks like en" in found.refusal
    assert found.known.share == 0


def test_a_model_that_does_not_say_its_languages_is_taken_for_one_of_the_text():
    found = calibrate(sample_of(np.append(body(), [7.0] * 9), languages=["de"] * 409), quantiles={})
    assert found.known.share is None
    assert found.rule == f"bits_per_byte <= {found.bounds.high:g}"


def test_the_user_may_say_the_languages_of_the_model():
    found = calibrate(sample_of(body(), languages=["de"] * 300 + ["fr"] * 100), quantiles={}, languages=["de"])
    assert found.known.share == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("tag", "inside"),
    [("en", True), ("EN-gb", True), ("en_Latn", True), ("eng", True), ("", False), ("deu", False), ('en-"', False)],
)
def test_a_tag_with_a_region_or_a_script_or_of_common_crawl_is_of_its_language(tag, inside):
    assert of_language(tag, ["en"]) is inside


def test_documents_without_text_are_kept_by_nothing():
    found = calibrate(sample_of(np.append(body(), [np.nan] * 10)), quantiles={})
    assert not found.kept[-10:].any()
    assert sum(each.documents for each in found.spreads if each.kind == "source") == 400


def test_quantiles_are_documents_of_the_stratum():
    sample = mixed()
    found = calibrate(sample, quantiles=QUANTILES)
    (spread,) = [each for each in found.spreads if (each.kind, each.name) == ("language", "de")]
    german = sorted(sample.bits[430:])
    assert spread.documents == 100
    assert spread.bits_per_byte == tuple(german[place - 1] for place in (1, 5, 25, 50, 75, 95, 99))


def test_examples_lie_around_the_cut_and_at_both_ends():
    sample = mixed()
    found = calibrate(sample, quantiles=QUANTILES)
    by_name = {shelf.name: sample.bits[list(shelf.places)] for shelf in found.shelves}
    judged = np.sort(sample.bits[:430])
    assert by_name["the lowest of all"].tolist() == judged[:3].tolist()
    assert by_name["the highest of all"].tolist() == judged[-3:].tolist()
    around = by_name[f"around the bound above, {found.bounds.high:.2f}"]
    assert (around <= found.bounds.high).sum() == 3
    assert (around > found.bounds.high).sum() == 3


def test_what_repeats_itself_is_named_shown_and_cut_in_any_language():
    repeated = np.zeros(400)
    repeated[[7, 200, 300, 301]] = [0.6, 0.9, 0.8, 0.51]
    languages = ["en"] * 300 + ["de"] * 100
    found = calibrate(sample_of(body(), repeated=repeated, languages=languages), quantiles=QUANTILES)
    assert found.repeating.value == 0.01
    assert found.shelves[-1].places == (200, 300, 7)
    assert np.flatnonzero(~found.kept).tolist() == [7, 200, 300, 301]
    assert found.rule == "repetition <= 0.5"
    assert advice(found).summary[-1] == "This rule is a proposal."
    assert any("1.0% of the documents repeat more than half of themselves" in each for each in advice(found).reasons)
    refused = calibrate(sample_of(body(50), repeated=repeated[:50]), quantiles={})
    assert any("2.0% of the documents repeat" in each for each in advice(refused).limits)


def test_the_calibration_is_json():
    content = calibrate(mixed(), quantiles=QUANTILES).as_dict()
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_trusted_documents_decide_the_bound_and_few_of_them_none():
    sample = sample_of(np.append(body(), [7.0] * 9))
    found = calibrate(sample, quantiles={}, trusted=np.linspace(1, 3, 201))
    assert found.bounds.high == 2.9
    assert "10 trusted documents" in calibrate(sample, quantiles={}, trusted=np.ones(10)).refusal


def test_advice_says_what_is_not_cut_and_that_nothing_is_certain():
    said = advice(calibrate(mixed(), quantiles=QUANTILES))
    assert any("keeps all in another one" in sentence for sentence in said.summary)
    assert any("convention, not a result" in sentence for sentence in said.limits)
    refused = advice(calibrate(sample_of(body(50)), quantiles=QUANTILES))
    assert any("No cut is recommended: the sample has 50 documents" in sentence for sentence in refused.summary)
    assert refused.rule == ""


def test_a_run_takes_as_long_as_reading_scoring_and_writing_all():
    sample = sample_of(body(100), documents=1000, units=(3, 6))  # 100 of 1,000 read of about 2,000: 400 kB of text
    writing = Writing({"kept": 2.0, "dropped": 0.5, "scores": 0.25, "rejects": 0.125}, seconds=1e-6)
    expected = Expected.of(sample, writing, reading=1.0, scoring=0.5, workers=4)
    assert expected.text_bytes == 400_000
    assert expected.seconds == pytest.approx((1.0 / 0.5 + 0.5 * 20 + 0.4) / 4)
    assert (expected.kept_bytes, expected.dropped_bytes, expected.beside_bytes) == (800_000, 200_000, 150_000)
    assert expected.output_bytes == 1_150_000
