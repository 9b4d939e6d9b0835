"""Intervals: the textbook's variance, the coverage that they promise, and the golden
quantiles.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.records import Document
from nonplus.measure.statistics.blocks import Block
from nonplus.measure.statistics.document_sums import SummedTexts
from nonplus.measure.statistics.fixed_point import fixed
from nonplus.measure.statistics.intervals import (
    bootstrap_interval,
    byte_interval,
    design_effect,
    independent_interval,
    ratio_standard_error,
    student_quantile,
    text_interval,
    token_interval,
)
from nonplus.measure.statistics.sums import Sums
from nonplus.measure.statistics.tally import Tally


@dataclass(frozen=True)
class Summed:
    """A document of which only sums are known."""

    place: int
    nats: float
    tokens: int
    blocks: tuple[Block, ...] = ()
    squares: float = 0.0

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
    blocks = tuple(enumerate(each.blocks for each in documents))
    return Tally.of(
        SummedTexts(
            documents=tuple(each.document for each in documents),
            sums=tuple(each.sums for each in documents),
            partial=np.zeros(len(documents), bool),
            zero_places=(),
            largest=blocks,
        )
    )


def drawn(random: np.random.Generator, documents: int) -> list[Summed]:
    """Documents that differ in length and, as a whole, in how surprising they are."""
    tokens = random.integers(50, 500, documents)
    means = random.normal(3.0, 0.3, documents)
    return [Summed(i, float(m * t), int(t)) for i, (m, t) in enumerate(zip(means, tokens, strict=True))]


many = st.lists(st.tuples(st.floats(0.1, 1e6), st.integers(50, 100)), min_size=30, max_size=60)


@given(many)
def test_over_documents_the_error_is_that_of_the_textbook(these: list[tuple[float, int]]) -> None:
    interval = token_interval(total(Summed(i, y, n) for i, (y, n) in enumerate(these)))
    y, n = (np.array(column, float) for column in zip(*these, strict=True))
    g, ratio = len(y), y.sum() / n.sum()
    by_hand = math.sqrt(g / (g - 1) * ((y - ratio * n) ** 2).sum()) / n.sum()
    assert interval is not None
    assert (interval.method, interval.clusters) == ("documents", g)
    assert interval.standard_error == pytest.approx(by_hand, rel=1e-6, abs=1e-9)
    assert ratio_standard_error(y, n) == pytest.approx(by_hand, rel=1e-9, abs=1e-12)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        interval = token_interval(total(drawn(random, 30)))
        assert interval is not None
        held += interval.low <= 3.0 <= interval.high
    assert 0.91 <= held / 400 <= 0.98


def test_the_bootstrap_agrees_with_the_ratio_estimator() -> None:
    these = drawn(np.random.default_rng(1), 60)
    by_formula = token_interval(total(these))
    by_resampling = bootstrap_interval(these, resamples=4000)
    assert by_formula is not None
    assert by_resampling.standard_error == pytest.approx(by_formula.standard_error, rel=0.1)


def test_tokens_that_rise_and_fall_together_give_a_wider_interval_than_independent_ones() -> None:
    """One document of slowly changing difficulty: blocks see it, tokens do not."""
    random = np.random.default_rng(2)
    level = np.repeat(random.normal(3, 0.5, 40), 16)
    blocks = tuple(Block(float(m * 128), 128.0, 512) for m in level)
    nats = sum(b.nats for b in blocks)
    squares = sum(128 * (m * m + 1) for m in level)
    tally = total([Summed(0, nats, 128 * len(blocks), blocks=blocks, squares=squares)])
    clustered, independent = token_interval(tally), independent_interval(tally)
    assert clustered is not None
    assert independent is not None
    assert clustered.method == "blocks"
    effect = design_effect(clustered, independent)
    assert effect is not None
    assert effect > 50


def test_one_large_document_among_scraps_is_cut_into_blocks() -> None:
    random = np.random.default_rng(4)
    level = np.repeat(random.normal(3, 0.5, 20), 16)
    blocks = tuple(Block(float(m * 128), 128.0, 512) for m in level)
    large = Summed(0, sum(b.nats for b in blocks), 128 * len(blocks), blocks=blocks)
    scraps = [Summed(i, 30.0, 10, blocks=(Block(30.0, 10.0, 40),)) for i in range(1, 40)]
    alone, among = token_interval(total([large])), token_interval(total([large, *scraps]))
    assert alone is not None
    assert among is not None
    assert among.method == "blocks"
    assert among.standard_error == pytest.approx(alone.standard_error, rel=0.1)


def test_many_documents_of_one_block_each_are_still_few_documents() -> None:
    these = [Summed(i, 3.0 * (i + 1), 10, blocks=(Block(3.0 * (i + 1), 10.0, 40),)) for i in range(12)]
    interval = token_interval(total(these))
    assert interval is not None
    assert (interval.method, interval.clusters) == ("blocks", 12)


def test_a_text_too_short_for_blocks_says_that_tokens_were_taken_as_independent() -> None:
    interval = token_interval(total([Summed(0, 30.0, 10, squares=120.0, blocks=(Block(30.0, 10.0, 40),))]))
    assert interval is not None
    assert interval.method == "tokens"


def test_nothing_scored_has_no_interval() -> None:
    assert token_interval(Tally()) is None
    assert byte_interval(Tally()) is None
    assert independent_interval(Tally()) is None
    assert text_interval(Tally()) is None


def test_an_interval_in_bytes_and_one_in_tokens_agree_when_tokens_are_all_as_long() -> None:
    tally = total(drawn(np.random.default_rng(3), 40))
    tokens, in_bytes = token_interval(tally), byte_interval(tally)
    assert tokens is not None
    assert in_bytes is not None
    assert (in_bytes.low * 4, in_bytes.high * 4) == pytest.approx((tokens.low, tokens.high), rel=1e-9)


def test_the_mean_of_texts_has_the_standard_error_of_a_mean() -> None:
    these = [Summed(i, math.log(10 + i) * 7, 7) for i in range(20)]
    interval = text_interval(total(these))
    perplexities = np.arange(10, 30)
    assert interval is not None
    assert interval.standard_error == pytest.approx(perplexities.std(ddof=1) / math.sqrt(20), rel=1e-9)


@pytest.mark.parametrize(
    ("df", "quantile"), [(7, 2.364624), (10, 2.228139), (19, 2.093024), (61, 1.999624), (1000, 1.962339)]
)
def test_student_quantiles_are_those_of_the_tables(df: int, quantile: float) -> None:
    # golden: 97.5 % points, scipy 1.17.1, [round(float(scipy.stats.t.ppf(0.975, d)), 6)
    # for d in (7, 10, 19, 61, 1000)]
    assert student_quantile(0.975, df) == pytest.approx(quantile, rel=2e-4)
