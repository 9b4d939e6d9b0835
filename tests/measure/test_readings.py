"""What is read from whole distributions, against loops over their definition."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure import readings as module
from nonplus.measure.readings import readings


@st.composite
def distributions(draw):
    """Log-probabilities (N, V), some of them equal or of probability 0, and targets."""
    n, v = draw(st.integers(1, 12)), draw(st.integers(1, 300))
    random = np.random.default_rng(draw(st.integers(0, 999)))
    weight_NV = random.integers(0, draw(st.sampled_from([2, 9, 10_000])), (n, v)).astype(np.float64)
    weight_NV[np.arange(n), random.integers(0, v, n)] += 1
    with np.errstate(divide="ignore"):
        logprob_NV = np.log(weight_NV / weight_NV.sum(axis=1, keepdims=True))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return logprob_NV.astype(dtype), random.integers(0, v, n)


def by_definition(logprobs, target, top):
    """Surprisal, entropy, rank, ids and surprisals of the most probable tokens."""
    values = logprobs.tolist()
    order = sorted(range(len(values)), key=lambda i: (-values[i], i))[:top]
    entropy = -math.fsum(math.exp(value) * value for value in values if value > -math.inf)
    rank = 1 + sum(value > values[target] for value in values)
    return -values[target], entropy, rank, order, [-values[i] for i in order]


@given(distributions(), st.integers(0, 40), st.integers(1, 5), st.integers(1, 3), st.sampled_from([1, 1 << 20]))
def test_readings_are_those_of_the_definition_however_the_work_is_cut(distribution, top, size, threads, block):
    logprob_NV, target_N = distribution
    chunks = (logprob_NV[i : i + size] for i in range(0, len(logprob_NV), size))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "processors", lambda: threads)
        patch.setattr(module, "_BLOCK_BYTES", block)
        read = readings(chunks, target_N, top=top)
    assert read.top_ids.shape == read.top_nats.shape == (len(target_N), min(top, logprob_NV.shape[1]))
    for i, target in enumerate(target_N):
        nats, entropy, rank, ids, top_nats = by_definition(logprob_NV[i], target, top)
        assert read.nats[i] == nats
        assert read.entropy[i] == pytest.approx(entropy, rel=1e-5, abs=1e-6)
        assert read.rank[i] == rank
        assert read.top_ids[i].tolist() == ids
        assert read.top_nats[i].tolist() == top_nats


def test_equally_probable_tokens_share_the_better_rank_and_come_in_order_of_their_ids():
    logprobs = np.log(np.array([[0.4, 0.15, 0.4, 0.05]] * 4))
    read = readings([logprobs], np.arange(4), top=4)
    assert read.rank.tolist() == [1, 3, 1, 4]
    assert read.top_ids[0].tolist() == [0, 2, 1, 3]


def test_a_token_of_probability_0_has_infinite_surprisal_and_adds_nothing_to_the_entropy():
    with np.errstate(divide="ignore"):
        logprobs = np.log(np.array([[0.5, 0.0, 0.5]] * 2, np.float32))
    read = readings([logprobs], np.array([1, 2]), top=3)
    assert read.nats.tolist() == pytest.approx([np.inf, np.log(2)])
    assert read.entropy.tolist() == pytest.approx([np.log(2)] * 2)
    assert read.top_nats[0].tolist() == pytest.approx([np.log(2), np.log(2), np.inf])


def test_a_certain_token_has_no_surprisal_and_no_minus_zero():
    with np.errstate(divide="ignore"):
        read = readings([np.log(np.array([[0.0, 1.0]]))], np.array([1]), top=1)
    values = read.nats[0], read.entropy[0], read.top_nats[0, 0]
    assert [math.copysign(1, value) * (1 + value) for value in values] == [1, 1, 1]


def test_nan_stays_nan():
    logprobs = np.array([[np.nan] * 40, np.log([1 / 40] * 40)])
    read = readings([logprobs], np.array([0, 0]), top=3)
    assert np.isnan(read.nats).tolist() == [True, False]
    assert read.top_ids[1].tolist() == [0, 1, 2]


def test_no_position_has_no_readings():
    read = readings([], np.empty(0, np.int64), top=2)
    assert read.nats.shape == read.entropy.shape == read.rank.shape == (0,)
    assert read.top_ids.shape == read.top_nats.shape == (0, 2)


def test_a_chunk_is_read_before_the_next_one_is_made():
    room = np.empty((1, 4))

    def overwritten():
        for target in range(4):
            room[:] = np.log(0.1)
            room[0, target] = np.log(0.7)
            yield room

    assert readings(overwritten(), np.arange(4), top=1).top_ids[:, 0].tolist() == [0, 1, 2, 3]


def test_a_large_chunk_is_read_in_small_blocks(monkeypatch):
    logprobs = np.full((4096, 1000), -np.log(1000), np.float32)
    monkeypatch.setattr(module, "processors", lambda: 1)
    tracemalloc.start()
    try:
        readings([logprobs], np.zeros(4096, np.int64), top=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * module._BLOCK_BYTES < logprobs.nbytes
