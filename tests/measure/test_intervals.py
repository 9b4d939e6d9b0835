"""Intervals: the same bits from any split, the coverage that they promise, and none
where few documents cannot tell.
"""

import json
import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.records import Document
from nonplus.measure.statistics.clusters import ratio_error
from nonplus.measure.statistics.document_sums import SummedTexts
from nonplus.measure.statistics.fixed_point import fixed
from nonplus.measure.statistics.intervals import (
    Interval,
    bootstrap_interval,
    byte_interval,
    design_effect,
    independent_interval,
    obstacle,
    spread_within,
    token_interval,
)
from nonplus.measure.statistics.stretches import Stretch
from nonplus.measure.statistics.sums import Sums, SumsOfTexts
from nonplus.measure.statistics.tally import LARGEST, Tally


@dataclass(frozen=True)
class Summed:
    """A document of which only sums are known, and those of its stretches."""

    place: int
    nats: float
    tokens: int
    squares: float = 0.0
    stretches: tuple[Stretch, ...] = ()

    @property
    def document(self) -> Document:
        return Document(text="", id=f"{self.place:04d}")

    @property
    def sums(self) -> Sums:
        nats, squares = fixed(self.nats), fixed(self.squares)
        n, size = self.tokens, 4 * self.tokens
        return Sums(nats=nats, tokens=n << 40, squares=squares, scored=n, bytes=size, chars=size, words=n)


def total(these: Iterable[Summed]) -> Tally:
    documents = list(these)
    return Tally.of(
        SummedTexts(
            documents=tuple(each.document for each in documents),
            sums=SumsOfTexts.of([each.sums for each in documents]),
            partial=np.zeros(len(documents), bool),
            zero_places=(),
            stretches=tuple(enumerate(each.stretches for each in documents)),
        )
    )


def drawn(random: np.random.Generator, documents: int, *, spread_of_sizes: float = 0.6) -> list[Summed]:
    """Documents that differ in length and, as a whole, in how surprising they are."""
    tokens = np.ceil(200 * np.exp(random.normal(0, spread_of_sizes, documents)))
    means = random.normal(3.0, 0.3, documents)
    return [Summed(i, float(m * t), int(t)) for i, (m, t) in enumerate(zip(means, tokens, strict=True))]


def of_parts(means: list[float], tokens: int) -> Summed:
    """A document whose stretches of ``tokens`` each have these mean surprisals."""
    stretches = tuple(Stretch(fixed(mean * tokens), tokens << 40) for mean in means)
    return Summed(0, sum(means) * tokens, tokens * len(means), stretches=stretches)


def found(interval: Interval | None) -> Interval:
    assert interval is not None
    return interval


many = st.lists(st.tuples(st.floats(0.1, 1e6), st.integers(1, 1000)), min_size=3, max_size=LARGEST)


@given(many)
def test_error_and_degrees_are_those_of_the_documents_in_floating_point(these: list[tuple[float, int]]) -> None:
    tally = total(Summed(i, y, n) for i, (y, n) in enumerate(these))
    y, n = (np.array(column, float) for column in zip(*these, strict=True))
    share, ratio = n / n.sum(), y.sum() / n.sum()
    error, degrees = ratio_error(share, ((y - ratio * n) / n.sum()) ** 2, np.ones(len(n)))
    interval = found(token_interval(tally))
    assert (interval.method, interval.clusters) == ("documents", len(these))
    assert interval.standard_error == pytest.approx(error, rel=1e-6, abs=1e-9)
    assert interval.degrees == pytest.approx(degrees, rel=1e-6)
    assert interval.low == pytest.approx(max(0.0, 2 * ratio - interval.high), rel=1e-6, abs=1e-6 * (ratio + error))


@given(st.integers(0, 2**32 - 1), st.integers(1, 200), st.data())
def test_any_order_and_any_split_give_the_same_interval_to_the_bit(
    seed: int, documents: int, data: st.DataObject
) -> None:
    these = drawn(np.random.default_rng(seed), documents, spread_of_sizes=1.5)
    order = data.draw(st.permutations(these)) if documents <= 20 else these[::-1]
    cut = data.draw(st.integers(0, documents))
    whole, parts = total(these), total(order[:cut]) + total(order[cut:])
    one_by_one = reduce(add, (total([each]) for each in order))
    for interval in (token_interval, byte_interval, spread_within):
        assert interval(whole) == interval(parts) == interval(one_by_one)
    assert obstacle(whole) == obstacle(parts)


@given(st.integers(0, 2**32 - 1))
def test_an_interval_outlives_json(seed: int) -> None:
    whole = total(drawn(np.random.default_rng(seed), 100))
    assert Tally.from_json(json.loads(json.dumps(whole.as_json()))) == whole


@pytest.mark.parametrize("spread_of_sizes", [0.0, 0.5, 1.0, 1.8])
@pytest.mark.parametrize("documents", [LARGEST + 1, 200, 700])
def test_the_documents_that_are_not_kept_one_by_one_are_negligible(documents: int, spread_of_sizes: float) -> None:
    these = drawn(np.random.default_rng(documents), documents, spread_of_sizes=spread_of_sizes)
    y, n = (np.array(column) for column in zip(*((each.nats, each.tokens) for each in these), strict=True))
    error, degrees = ratio_error(n / n.sum(), ((y - y.sum() / n.sum() * n) / n.sum()) ** 2, np.ones(documents))
    interval = found(token_interval(total(these)))
    assert interval.standard_error == pytest.approx(error, rel=2e-3)
    if degrees < 30:  # beyond, Student's quantile hardly depends on them
        assert interval.degrees == pytest.approx(degrees, rel=0.02)


@pytest.mark.parametrize(("documents", "spread_of_sizes"), [(3, 0.0), (5, 0.6), (10, 1.5), (30, 1.0)])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(documents: int, spread_of_sizes: float) -> None:
    random = np.random.default_rng(0)
    held, drawings = 0, 600
    for _ in range(drawings):
        interval = found(token_interval(total(drawn(random, documents, spread_of_sizes=spread_of_sizes))))
        held += interval.low <= 3.0 <= interval.high
    assert 0.92 <= held / drawings <= 0.99


def test_ten_documents_of_three_blocks_have_the_error_of_ten_documents() -> None:
    """Widths of blocks once doubled past the whole documents: with blocks of two thirds
    and one third of each, the error printed here was 0.187.
    """
    means = [1.0919 * mean for mean in (2.0, 2.5, 3.0, 3.5, 4.0, 2.1, 2.6, 3.1, 3.6, 4.1)]
    interval = found(token_interval(total(of_parts([mean] * 3, 128) for mean in means)))
    assert interval.standard_error == pytest.approx(statistics.stdev(means) / math.sqrt(10), rel=1e-9)
    assert interval.standard_error == pytest.approx(0.258, abs=5e-4)
    assert (interval.clusters, interval.degrees) == (10, pytest.approx(9))


def test_a_document_that_outweighs_all_others_leaves_hardly_more_than_one_degree_of_freedom() -> None:
    short = drawn(np.random.default_rng(1), 29)
    long = Summed(99, 3.0 * 50 * 200, 50 * 200)
    alone, among = found(token_interval(total(short))), found(token_interval(total([*short, long])))
    assert among.degrees is not None
    assert among.degrees < 2
    assert among.high - among.low > alone.high - alone.low


@pytest.mark.parametrize("documents", [1, 2])
def test_one_or_two_documents_have_no_interval_and_the_reason_is_given(documents: int) -> None:
    tally = total(drawn(np.random.default_rng(0), documents))
    assert (token_interval(tally), byte_interval(tally)) == (None, None)
    assert "it takes 3 or more" in obstacle(tally)
    assert token_interval(total(drawn(np.random.default_rng(0), 3))) is not None


def test_the_spread_within_a_text_is_that_of_its_stretches() -> None:
    means = [2.0, 3.0, 3.5, 2.5]
    tally = total([of_parts(means, 300)])
    spread = found(spread_within(tally))
    assert (spread.method, spread.clusters, spread.degrees) == ("stretches", 4, pytest.approx(3))
    assert spread.standard_error == pytest.approx(statistics.stdev(means) / 2, rel=1e-9)
    half = 3.182446305284264 * statistics.stdev(means) / 2  # golden: scipy 1.17.1, scipy.stats.t.ppf(0.975, 3)
    assert (spread.low, spread.high) == pytest.approx((2.75 - half, 2.75 + half), rel=1e-9)


def test_two_texts_have_a_spread_and_three_have_none() -> None:
    one, other, third = (of_parts([mean, mean + 0.5, mean, mean - 0.5], 100) for mean in (2.0, 3.0, 4.0))
    assert found(spread_within(total([one, other]))).clusters == 8
    assert total([one]) + total([other]) == total([one, other])
    assert spread_within(total([one, other, third])) is None
    assert total([one, other]) + total([third]) == total([one, other, third])


def test_no_spread_is_given_where_the_stretches_of_one_text_are_not_known() -> None:
    known, unknown = total([of_parts([2.0, 3.0, 2.5, 3.5], 100)]), Tally.of_sums([Summed(1, 300.0, 100).sums])
    assert spread_within(known) is not None
    assert spread_within(unknown) is None
    assert spread_within(known + unknown) is None


def test_tokens_that_rise_and_fall_together_spread_more_than_independent_ones() -> None:
    """One document whose parts differ by far more than their tokens would, if these
    were independent.
    """
    means = [2.0, 3.0, 3.5, 2.5]
    text = of_parts(means, 5000)
    tally = total(
        [Summed(0, text.nats, text.tokens, squares=sum(5000 * (m * m + 1) for m in means), stretches=text.stretches)]
    )
    effect = design_effect(spread_within(tally), independent_interval(tally))
    assert effect is not None
    assert effect > 50


@pytest.mark.parametrize(("sizes", "given"), [([7] * 20, True), ([7] * 19, False), ([7] * 99 + [700], False)])
def test_where_only_sums_over_documents_are_known_they_must_be_many_of_a_size(sizes: list[int], given: bool) -> None:
    """As in a Keras metric, whose state has no room for single documents."""
    these = total(Summed(i, 3.0 * n + i, n) for i, n in enumerate(sizes))
    bare = Tally(**{name: getattr(these, name) for name in MOMENTS})
    assert (token_interval(bare) is not None) == given
    assert bool(obstacle(bare)) != given
    if given:
        bounds = [(each.low, each.high) for each in map(found, (token_interval(bare), token_interval(these)))]
        assert bounds[0] == pytest.approx(bounds[1], rel=1e-9)


MOMENTS = ("documents", "nats", "tokens", "scored", "nats_nats", "nats_tokens", "tokens_tokens")


def test_the_bootstrap_agrees_with_the_ratio_estimator() -> None:
    these = drawn(np.random.default_rng(1), 60)
    by_formula = found(token_interval(total(these)))
    by_resampling = bootstrap_interval(these, resamples=4000)
    assert by_resampling.standard_error == pytest.approx(by_formula.standard_error, rel=0.1)


def test_nothing_scored_has_no_interval() -> None:
    for interval in (token_interval, byte_interval, independent_interval, spread_within):
        assert interval(Tally()) is None
    assert obstacle(Tally()) == "nothing was scored"


def test_a_token_of_probability_0_leaves_no_interval() -> None:
    tally = total(drawn(np.random.default_rng(0), 30)) + Tally(zeros=1)
    assert (token_interval(tally), spread_within(tally)) == (None, None)
    assert obstacle(tally) == "a token has probability 0"


def test_surprisals_beyond_any_float_have_an_interval_without_end() -> None:
    tally = total([*drawn(np.random.default_rng(0), 30), Summed(31, 1e305, 1)])
    assert found(token_interval(tally)).high == math.inf
    assert found(byte_interval(tally)).high == math.inf


def test_an_interval_in_bytes_and_one_in_tokens_agree_when_tokens_are_all_as_long() -> None:
    tally = total(drawn(np.random.default_rng(3), 40))
    tokens, in_bytes = found(token_interval(tally)), found(byte_interval(tally))
    assert (in_bytes.low * 4, in_bytes.high * 4) == pytest.approx((tokens.low, tokens.high), rel=1e-9)


def test_documents_whose_tokens_all_have_weight_0_do_not_show_how_texts_differ() -> None:
    weightless = Sums(nats=0, tokens=0, squares=0, scored=1, weighted=1)
    tally = Tally.of_sums([of_parts([2.0], 10).sums, weightless, weightless])
    assert token_interval(tally) is None
    assert obstacle(tally).startswith("1 document cannot show")


def test_one_document_with_bytes_among_others_without_has_no_interval_in_bytes() -> None:
    without = Sums(nats=fixed(3.0), tokens=1 << 40, squares=0, scored=1)
    tally = Tally.of_sums([of_parts([2.0], 10).sums, without, without])
    assert token_interval(tally) is not None
    assert byte_interval(tally) is None
