"""The report of a metric: its figures, its protocol, and which figures do not exist."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.records import Floats
from nonplus.measure.report import Report
from nonplus.metrics.accumulator import Accumulator
from nonplus.metrics.batch_sums import ArrayExtras, batch_sums
from nonplus.metrics.protocol import MetricProtocol


def report(nats: Floats, **extras: "object") -> Report:
    kept = np.ones(nats.shape, bool)
    arrays = {name: np.asarray(values) for name, values in extras.items()}
    sums = batch_sums(nats, kept, ArrayExtras(**arrays), shift=False, exclude_nonfinite=False)
    protocol = MetricProtocol(kinds=("nll",), ignore_index=(-100,), weighted="weights" in extras)
    return Report(tally=Accumulator.of(sums, protocol).tally, protocol=protocol)


@given(st.integers(1, 40), st.integers(1, 10), st.integers(0, 2**32 - 1))
def test_figures_are_those_of_float64_arithmetic(rows: int, time: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    nats, n_bytes, n_words = random.gamma(2, 2, (rows, time)), random.integers(1, 9, rows), random.integers(1, 9, rows)
    found = report(nats, n_bytes=n_bytes, n_words=n_words)
    assert found.log_perplexity == pytest.approx(nats.mean(), rel=1e-11, abs=1e-12)
    assert float(found) == found.perplexity == pytest.approx(math.exp(nats.mean()), rel=1e-11)
    assert found.bits_per_token == pytest.approx(nats.mean() / math.log(2), rel=1e-11)
    assert found.bits_per_byte == pytest.approx(nats.sum() / n_bytes.sum() / math.log(2), rel=1e-11)
    assert found.word_perplexity == pytest.approx(math.exp(nats.sum() / n_words.sum()), rel=1e-9)
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_interval_is_clustered_by_document() -> None:
    random = np.random.default_rng(1)
    nats = random.gamma(2, 1, (50, 1)) + random.gamma(2, 1, (50, 20))
    found = report(nats)
    assert (found.interval.method, found.interval.clusters) == ("documents", 50)
    assert found.interval.standard_error == pytest.approx(nats.mean(1).std(ddof=1) / math.sqrt(50))
    assert found.interval.low < found.perplexity < found.interval.high
    assert found.design_effect > 2


@pytest.mark.parametrize("rows", [1, 2, 3, 8, 30])
def test_there_is_an_interval_from_three_documents_on_and_before_that_the_reason(rows: int) -> None:
    found = report(np.random.default_rng(0).gamma(2, 1, (rows, 30)))
    assert (found.interval is None) == (rows < 3) == bool(found.no_interval)
    says = f"from {rows} documents" if rows >= 3 else " cannot show how texts differ, it takes 3 or more"
    assert says in repr(found)


def test_one_document_that_outweighs_the_others_leaves_hardly_a_degree_of_freedom() -> None:
    nats = np.random.default_rng(0).gamma(2, 1, 1000 + 30)
    names = np.concatenate([np.zeros(1000, int), np.arange(1, 31)])
    assert report(nats, doc_ids=names).interval.degrees < 1.1


def test_a_log_perplexity_stays_finite_where_the_perplexity_overflows() -> None:
    found = report(np.full((2, 8), 1000.0))
    assert (found.perplexity, found.log_perplexity) == (math.inf, 1000.0)
    assert "perplexity infinite" in repr(found)
    assert "e^1,000" in repr(found)
    assert found.to_dict()["perplexity"] == "Infinity"


@given(st.lists(st.floats(0, 1e300), min_size=16, max_size=16))
def test_no_surprisal_is_too_large_to_report(nats: list[float]) -> None:
    found = report(np.array(nats).reshape(8, 2))
    assert math.isfinite(found.log_perplexity)
    assert str(found)
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_figure_is_printed_with_its_protocol() -> None:
    found = report(np.full((30, 2), 2.0), weights=np.full((30, 2), 0.5))
    assert repr(found) == (
        "perplexity 7.389  [7.389, 7.389] over 60 tokens of 30 documents (nll, not shifted, ignoring -100, weighted; "
        f"fingerprint {found.protocol.fingerprint}); interval: 95%, from 30 documents"
    )


def test_tokens_of_probability_0_are_located() -> None:
    text = repr(report(np.array([[1.0, math.inf]]), doc_ids=["a.txt"]))
    assert "perplexity infinite" in text
    assert "1 token of probability 0, the first token 1 of a.txt" in text


def test_bytes_of_some_tokens_only_or_of_weighted_ones_give_no_bits_per_byte() -> None:
    nats = np.ones((2, 3))
    assert report(nats).bits_per_byte is None
    assert report(nats, n_bytes=[3, 3]).bits_per_byte == pytest.approx(1 / math.log(2))
    assert report(nats, n_bytes=[3, 3], weights=[1, 2]).bits_per_byte is None
    half = Accumulator()
    for extras in (ArrayExtras(), ArrayExtras(n_bytes=np.array([3, 3]))):
        half.add(
            Accumulator.of(batch_sums(nats, nats > 0, extras, shift=False, exclude_nonfinite=False), MetricProtocol())
        )
    assert Report(tally=half.tally, protocol=half.protocol).bits_per_byte is None


def test_a_weight_is_how_often_a_token_counts() -> None:
    found = report(np.array([[1.0, 4.0]]), weights=[[1.0, 0.5]])
    assert found.log_perplexity == pytest.approx(2.0)
    assert found.tokens == 1.5
    assert report(np.array([[1.0], [4.0]]), weights=[2, 0]).log_perplexity == 1.0


def test_where_nothing_was_scored_there_is_no_perplexity() -> None:
    empty = Report(tally=Accumulator().tally, protocol=MetricProtocol())
    assert (empty.perplexity, empty.log_perplexity, empty.interval) == (None, None, None)
    assert math.isnan(float(empty))
    assert "perplexity - over 0 tokens" in repr(empty)
    assert empty.to_dict()["perplexity"] is None
