"""A quantile is the smallest figure that a percentage of documents do not exceed."""

from fractions import Fraction
from math import ceil, isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import divided, documents, kept, scored

from nonplus.errors import BadProtocol
from nonplus.filtering.rules import narrowing
from nonplus.filtering.rules.groups import BANDS
from nonplus.filtering.rules.ordering import number, ordered
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.scored import Scored

PERCENT = st.sampled_from(["0", "0.1", "25", "33.3", "50", "60", "99.9", "100"])


def slow_quantile(values: list[float], percent: str) -> float:
    """By its definition: sort, and take the first of which enough are not greater."""
    there = sorted(each for each in values if not isnan(each))
    return there[max(1, ceil(Fraction(percent) / 100 * len(there))) - 1] + 0.0 if there else float("nan")


@given(documents(), PERCENT, st.lists(st.integers(0, 100), max_size=3), st.randoms())
def test_a_quantile_is_that_of_the_sorted_figures_whatever_the_order_and_division(ones, percent, cuts, random):
    values = [each.bits for each in ones if each.tokens]
    shuffled = random.sample(ones, len(ones))
    rule = parsed(f"bits_per_byte <= p{percent}").resolved(divided(shuffled, cuts))
    marks = rule.known[f"p{percent} of bits_per_byte"]
    if all(isnan(each) for each in values):
        assert marks == {}
    else:
        assert marks[()] == (slow_quantile(values, percent),)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300), PERCENT)
def test_a_quantile_is_that_of_numpy_s_inverted_cdf(values, percent):
    one = Scored(columns={"bits_per_byte": np.array(values), "tokens": np.ones(len(values))})
    (mark,) = parsed(f"bits_per_byte <= p{percent}").resolved([one]).known.values()
    with np.errstate(all="ignore"):
        expected = np.percentile(np.array(values), float(percent), method="inverted_cdf")
    if float(percent) * len(values) / 100 % 1 > 1e-9:  # NumPy multiplies in floating point
        assert mark[()] == (expected,)


@given(documents(min_size=1), PERCENT)
def test_in_groups_each_has_its_own_quantile(ones, percent):
    rule = parsed(f"bits_per_byte <= p{percent} by language").resolved([scored(ones)])
    marks = rule.known[f"p{percent} of bits_per_byte by language"]
    for language in ("en", "de"):
        values = [each.bits for each in ones if each.tokens and each.language == language]
        expected = slow_quantile(values, percent)
        assert marks.get((language,), (float("nan"),))[0] == pytest.approx(expected, abs=0, rel=0, nan_ok=True)
    assert all(each.language for each in kept(rule, ones))


@given(documents(min_size=1), st.data())
def test_a_higher_quantile_keeps_what_a_lower_one_keeps(ones, data):
    low, high = sorted(data.draw(st.lists(st.integers(0, 100), min_size=2, max_size=2)))
    of_low, of_high = (parsed(f"bits_per_byte <= p{each}").resolved([scored(ones)]) for each in (low, high))
    assert set(kept(of_low, ones)) <= set(kept(of_high, ones))


@given(documents(min_size=1))
def test_at_most_p60_are_at_least_60_percent_and_without_the_last_figure_fewer(ones):
    there = [each for each in ones if each.tokens and not isnan(each.bits)]
    at_most = kept(parsed("bits_per_byte <= p60").resolved([scored(ones)]), ones)
    below = kept(parsed("bits_per_byte < p60").resolved([scored(ones)]), ones)
    assert len(at_most) >= 0.6 * len(there)
    assert len(below) < 0.6 * len(there) or not there


@given(documents(min_size=2), st.sampled_from([1, 3]))
def test_a_crowded_bin_takes_more_looks_and_gives_the_same(ones, few):
    rule = parsed("bits_per_byte <= p33.3 and best 100 tokens by language")
    expected = rule.resolved([scored(ones)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(narrowing, "_FEW", few)
        assert rule.resolved([scored(ones)]).known == expected.known


def test_two_looks_at_the_documents_are_enough():
    looks = []

    class Watched:
        def __iter__(self):
            looks.append(1)
            values = np.random.default_rng(1).lognormal(0, 1, 10_000)
            return iter([Scored(columns={"bits_per_byte": values, "tokens": np.ones(10_000)})])

    parsed("p25 <= bits_per_byte <= p75").resolved(Watched())
    assert len(looks) == 2


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_keys_are_in_the_order_of_the_numbers_and_lead_back(values):
    numbers = np.array(values)
    keys = ordered(numbers)
    assert numbers[np.argsort(keys, kind="stable")].tolist() == sorted(values)
    assert [number(int(each)) for each in keys] == values


def test_a_document_is_held_against_the_quantile_of_its_own_length():
    sizes = np.array([0, 255, 256, 1023, 1024, 4095, 4096, 16383, 16384, 65535, 65536, 10**9])
    each = Scored(
        columns={"bits_per_byte": np.arange(12.0), "bytes": sizes, "tokens": np.ones(12)},
        attributes={},
    )
    (marks,) = parsed("bits_per_byte <= p50 by length").resolved([each]).known.values()
    assert marks == {(band,): (2.0 * place,) for place, band in enumerate(BANDS)}


def test_several_groupings_make_groups_of_their_combinations():
    each = Scored(
        columns={"bits_per_byte": np.arange(4.0), "tokens": np.ones(4)},
        attributes={"language": ["en", "en", "de", None], "source": ["web", "book", "web", "web"]},
    )
    rule = parsed("bits_per_byte <= p0 by language, source").resolved([each])
    (marks,) = rule.known.values()
    assert marks == {("de", "web"): (2.0,), ("en", "book"): (1.0,), ("en", "web"): (0.0,)}
    assert rule.decide(each).reasons() == ["", "", "", "nothing to compare bits_per_byte with (p0 of no language, web)"]


def test_trusted_files_have_quantiles_of_their_own():
    def one(values):
        return Scored(columns={"bits_per_byte": np.array(values), "tokens": np.ones(len(values))})

    rule = parsed('bits_per_byte <= p95 of "a.jsonl", "b.jsonl" and bits_per_byte >= p50')
    assert rule.trusted == {("a.jsonl", "b.jsonl")}
    trusted = [one(np.arange(1, 51)), one(np.arange(51.0, 101))]
    rule = rule.resolved([one([1.0, 94.0, 95.0, 96.0])], trusted={("a.jsonl", "b.jsonl"): trusted})
    assert rule.trusted == frozenset()
    assert rule.known['p95 of bits_per_byte in "a.jsonl", "b.jsonl"'] == {(): (95.0,)}
    assert rule.decide(one([93.0, 94.0, 95.0, 96.0])).reasons() == [
        "bits_per_byte 93 < 94 (p50)",
        "",
        "",
        'bits_per_byte 96 > 95 (p95 of "a.jsonl", "b.jsonl")',
    ]


def test_trusted_scores_that_are_not_given_are_asked_for():
    with pytest.raises(BadProtocol, match=r"the rule compares with a\.jsonl, whose scores are not here"):
        parsed('bits_per_byte <= p95 of "a.jsonl"').resolved([])


def test_a_rule_that_needs_all_scores_does_not_decide_before():
    rule = parsed("bits_per_byte <= p60 and tokens >= 20")
    assert not rule.local
    assert rule.missing == ("p60 of bits_per_byte",)
    with pytest.raises(BadProtocol, match=r"asks for p60 of bits_per_byte, which all scores decide"):
        rule.decide(scored([]))


def test_a_corpus_without_documents_has_no_quantiles_and_keeps_nothing():
    rule = parsed("bits_per_byte <= p60 or best 5 tokens").resolved([])
    one = Scored(columns={"bits_per_byte": np.ones(1), "tokens": np.ones(1)}, keys=[b"1"])
    assert rule.local
    assert rule.decide(one).keep.tolist() == [False]


def test_a_document_without_text_is_not_counted():
    corpus = Scored(columns={"bytes": np.array([0, 0, 0, 5, 7]), "tokens": np.array([0, 0, 0, 1, 1])})
    (marks,) = parsed("bytes <= p50").resolved([corpus]).known.values()
    assert marks == {(): (5.0,)}
