"""The head in NumPy against float64, and what it may hold in memory."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput
from nonplus.kernels.backends.numpy import log_sum_exp
from nonplus.kernels.numpy_head import head_logprobs, head_readings, logits_readings

CAPS = st.sampled_from([1, 1000, 1 << 20])


@st.composite
def heads(draw):
    """Hidden states (N, H), weights (H, V), targets (N,)."""
    random = np.random.default_rng(draw(st.integers(0, 999)))
    n, h, v = draw(st.integers(1, 20)), draw(st.integers(1, 8)), draw(st.integers(1, 50))
    scale = draw(st.sampled_from([0.1, 1, 30]))
    hidden_NH = (scale * random.standard_normal((n, h))).astype(np.float32)
    return hidden_NH, random.standard_normal((h, v)).astype(np.float32), random.integers(0, v, n)


def slow_logprob_NV(hidden_NH, weight_HV):
    logits_NV = hidden_NH.astype(np.float64) @ weight_HV.astype(np.float64)
    most_N1 = logits_NV.max(axis=1, keepdims=True)
    return logits_NV - most_N1 - np.log(np.exp(logits_NV - most_N1).sum(axis=1, keepdims=True))


@given(heads(), CAPS)
def test_log_probabilities_are_those_of_float64(head, cap):
    hidden_NH, weight_HV, target_N = head
    expected = np.take_along_axis(slow_logprob_NV(hidden_NH, weight_HV), target_N[:, None], axis=1)[:, 0]
    answer = head_logprobs(hidden_NH, weight_HV, target_N, cap_bytes=cap)
    assert answer.dtype == np.float64
    np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-5)


@given(heads(), CAPS, st.integers(0, 60))
def test_readings_sum_up_the_distribution_of_float64(head, cap, top):
    hidden_NH, weight_HV, target_N = head
    logprob_NV = slow_logprob_NV(hidden_NH, weight_HV)
    readings = head_readings(hidden_NH, weight_HV, target_N, top=top, cap_bytes=cap)
    np.testing.assert_allclose(readings.entropy, -(np.exp(logprob_NV) * logprob_NV).sum(axis=1), rtol=1e-4, atol=1e-5)
    k = min(top, weight_HV.shape[1])
    assert readings.top_ids.shape == readings.top_nats.shape == (len(target_N), k)
    np.testing.assert_allclose(readings.top_nats, -np.sort(logprob_NV)[:, ::-1][:, :k], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        readings.top_nats, -np.take_along_axis(logprob_NV, readings.top_ids, axis=1), rtol=1e-5, atol=1e-5
    )


@given(heads(), CAPS)
def test_readings_and_log_probabilities_agree_to_the_last_bit(head, cap):
    readings = head_readings(*head, top=1, cap_bytes=cap)
    assert np.array_equal(readings.nats, -head_logprobs(*head, cap_bytes=cap))


@given(heads())
def test_the_most_probable_token_has_rank_1(head):
    hidden_NH, weight_HV, target_N = head
    best_N = head_readings(hidden_NH, weight_HV, target_N, top=1, cap_bytes=1 << 20).top_ids[:, 0]
    assert np.all(head_readings(hidden_NH, weight_HV, best_N, top=0, cap_bytes=1 << 20).rank == 1)


def test_equally_probable_tokens_share_the_better_rank():
    readings = logits_readings(np.array([[2.0, 1.0, 2.0, 0.0]] * 4), np.arange(4), top=4)
    assert readings.rank.tolist() == [1, 3, 1, 4]
    assert readings.top_ids[0].tolist() == [0, 2, 1, 3]


def test_equal_logits_have_the_entropy_of_their_number():
    readings = logits_readings(np.full((1, 37), -5.0, np.float32), np.array([3]), top=0)
    assert readings.entropy[0] == pytest.approx(np.log(37))


def test_an_impossible_token_has_infinite_surprisal_and_no_share_of_the_entropy():
    readings = logits_readings(np.array([[0.0, -np.inf, 0.0]] * 2), np.array([1, 2]), top=3)
    assert readings.nats.tolist() == [np.inf, pytest.approx(np.log(2))]
    assert readings.entropy[0] == pytest.approx(np.log(2))
    assert readings.top_nats[0, 2] == np.inf


@given(st.floats(-1e4, 1e4))
def test_adding_a_number_to_all_logits_adds_it_to_their_log_sum(shift):
    logits = np.linspace(-3, 3, 50)[None]
    kept = np.array([True])
    assert log_sum_exp(logits + shift, kept)[0] == pytest.approx(log_sum_exp(logits, kept)[0] + shift, abs=1e-9)


def test_no_places_have_no_answers():
    nothing = np.empty((0, 4), np.float32), np.ones((4, 9), np.float32), np.empty(0, np.int64)
    assert head_logprobs(*nothing, cap_bytes=100).shape == (0,)
    assert head_readings(*nothing, top=2, cap_bytes=100).top_ids.shape == (0, 2)


def test_logits_never_exceed_their_cap():
    hidden_NH, weight_HV = np.ones((2000, 4), np.float32), np.ones((4, 5000), np.float32)
    target_N = np.zeros(2000, np.int64)
    tracemalloc.start()
    try:
        head_logprobs(hidden_NH, weight_HV, target_N, cap_bytes=1 << 20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * (1 << 20)  # all of them would be 40 MB


@pytest.mark.parametrize("wrong", [-1, 9])
def test_a_target_outside_the_vocabulary_is_named(wrong):
    with pytest.raises(BadInput, match=rf"token id {wrong} at place 1 .* vocabulary of 9"):
        head_logprobs(np.ones((2, 4)), np.ones((4, 9)), np.array([0, wrong]), cap_bytes=100)
