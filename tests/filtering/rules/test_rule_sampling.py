"""A record is drawn by a keyed hash of its key, with a probability for each."""

import math
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import documents, kept, scored

from nonplus.filtering.rules.draws import draws
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.scored import Scored

MANY = 40_000


def many(values=1.0, language="en"):
    return Scored(
        columns={
            "bits_per_byte": np.broadcast_to(values, MANY),
            "perplexity": np.broadcast_to(values, MANY),
            "tokens": np.ones(MANY),
        },
        attributes={"language": [language] * MANY},
        keys=[b"%d" % each for each in range(MANY)],
    )


def chance(rule: str, perplexity: float) -> float:
    """The share of many records of one perplexity that a rule keeps."""
    return float(np.mean(parsed(rule).decide(many(perplexity)).keep))


def probability(rule: str, perplexity: float) -> float:
    """With which a record of this perplexity is drawn."""
    (sampled,) = parsed(rule).clauses
    return float(sampled.chance.of(many(perplexity), {})[0])


def test_a_draw_is_a_keyed_blake2b_of_the_key():
    expected = int.from_bytes(blake2b(b"some key", digest_size=8, key=b"7").digest(), "little") >> 11
    assert draws([b"some key"], 7).tolist() == [expected / 2**53]


def test_a_draw_is_that_of_openssl():
    # OpenSSL 3.0.19: printf x | openssl mac -macopt hexkey:30 -macopt size:8 BLAKE2BMAC
    digest = bytes.fromhex("07AD132CFDEDE38D")
    assert draws([b"x"]).tolist() == [(int.from_bytes(digest, "little") >> 11) / 2**53]


def test_draws_are_spread_evenly():
    drawn = draws([b"%d" % each for each in range(MANY)])
    counts, _ = np.histogram(drawn, bins=20, range=(0, 1))
    # Pearson's statistic has mean 19 and standard deviation 6.2.
    assert ((counts - MANY / 20) ** 2 / (MANY / 20)).sum() < 19 + 5 * 6.2


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 1])
def test_a_sample_has_about_its_share(share):
    spread = math.sqrt(share * (1 - share) / MANY)
    assert abs(chance(f"sample({share})", 1.0) - share) <= 5 * spread


@given(documents(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_sample_has_the_smaller_one_in_it(ones, one, other):
    low, high = sorted([one, other])
    assert set(kept(parsed(f"sample({low:.4f})"), ones)) <= set(kept(parsed(f"sample({high:.4f})"), ones))


def test_a_record_is_drawn_if_its_draw_is_below_the_probability():
    own = float(draws([b"0"])[0])
    for share, keep in ((own, False), (math.nextafter(own, 1), True)):
        assert parsed(f"sample({share!r})").decide(many()).keep[0] == keep


@given(documents(), st.randoms())
def test_a_record_is_drawn_or_not_wherever_it_stands(ones, random):
    shuffled = random.sample(ones, len(ones))
    assert set(kept(parsed("sample(0.5)"), ones)) == set(kept(parsed("sample(0.5)"), shuffled))


def test_another_seed_is_another_draw():
    one, other = (parsed(f"sample(0.5, seed={seed})").decide(many()).keep for seed in (1, 2))
    assert abs(np.corrcoef(one, other)[0, 1]) < 5 / math.sqrt(MANY)


def test_what_is_not_sampled_is_the_rest():
    keep, rest = (parsed(rule).decide(many()).keep for rule in ("sample(0.3)", "not sample(0.3)"))
    assert np.array_equal(keep, ~rest)


# BERTIN's quartiles and factors for Spanish, from the README of
# bertin-project/mc4-sampling: a record is kept with probability
# 0.78 * exp(-((x - 662247.5) / 662247.5)**2 / 4.5), or 150,000 divided by the width of
# its quarter.
QUARTILES = (536394.99320948, 662247.50212365, 919250.87225178)


@pytest.mark.parametrize(
    ("perplexity", "expected"),
    [
        (662247.50212365, 0.78),
        (2 * 662247.50212365, 0.78 * math.exp(-1 / 4.5)),
        (4 * 662247.50212365, 0.78 * math.exp(-2)),
        (0.25 * 662247.50212365, 0.78 * math.exp(-0.125)),
    ],
)
def test_the_gaussian_has_bertin_s_probabilities(perplexity, expected):
    rule = "gaussian(perplexity, median=662247.50212365)"
    assert probability(rule, perplexity) == pytest.approx(expected)
    assert chance(rule, perplexity) == pytest.approx(expected, abs=5 * math.sqrt(0.25 / MANY))


@pytest.mark.parametrize(
    ("perplexity", "expected"),
    [
        (1000, 150000 / 536394.99320948),
        (536394.99320948, 150000 / 536394.99320948),
        (600000, 150000 / (662247.50212365 - 536394.99320948)),
        (700000, 150000 / (919250.87225178 - 662247.50212365)),
        (1e7, 150000 / 9192508.7225178),
    ],
)
def test_the_steps_have_bertin_s_probabilities(perplexity, expected):
    rule = f"stepwise(perplexity, factor=150000, quartiles={QUARTILES})"
    assert probability(rule, perplexity) == pytest.approx(expected)
    assert chance(rule, perplexity) == pytest.approx(min(expected, 1), abs=5 * math.sqrt(0.25 / MANY))


def test_without_given_marks_they_are_those_of_the_corpus():
    corpus = many(np.arange(1.0, MANY + 1))
    for own, with_marks in [
        ("gaussian(perplexity)", "gaussian(perplexity, median=20000)"),
        ("stepwise(perplexity, factor=5000)", "stepwise(perplexity, factor=5000, quartiles=(10000, 20000, 30000))"),
    ]:
        of_own = parsed(own).resolved([corpus]).decide(corpus)
        assert np.array_equal(of_own.keep, parsed(with_marks).decide(corpus).keep)


def test_importance_is_the_power_of_the_likelihood_ratio_per_byte():
    corpus = many(-1.0)  # one bit per byte: twice as likely
    for power, expected in ((0, 0.1), (1, 0.2), (2, 0.4), (5, 1.0)):
        keep = parsed(f"importance(bits_per_byte, factor=0.1, power={power})").decide(corpus).keep
        assert keep.mean() == pytest.approx(expected, abs=5 * math.sqrt(0.25 / MANY))


def test_a_quarter_without_width_is_kept_whole():
    assert parsed("stepwise(perplexity, factor=1, quartiles=(2, 3, 3))").decide(many(3.0)).keep.mean() == 1


@given(
    documents(min_size=1),
    st.sampled_from(["gaussian(perplexity", "stepwise(perplexity, factor=2", "importance(perplexity"]),
)
def test_a_sample_by_a_figure_keeps_none_without_one_and_is_fit_for_any_figure(ones, call):
    rule = parsed(f"{call})").resolved([scored(ones)])
    opposite = parsed(f"not {call})").resolved([scored(ones)])
    there = {one for one in ones if one.tokens and not math.isnan(one.bits)}
    assert set(kept(rule, ones)) | set(kept(opposite, ones)) <= there


def test_the_reason_tells_the_probability():
    nobody = parsed("sample(0)").decide(many()).reasons()
    assert nobody[0] == "not drawn by sample(0), probability 0"
    rare = parsed("gaussian(perplexity, median=1, seed=4)").decide(many(90.0)).reasons()
    assert rare[0] == "not drawn by gaussian(perplexity, factor=0.78, width=4.5, median=1, seed=4), probability 0"
