"""The head in NumPy against float64, and its memory."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput
from nonplus.kernels import numpy_head
from nonplus.kernels.backends.numpy import log_sum_exp
from nonplus.kernels.numpy_head import head_distributions, head_logprobs, logits_to_logprobs

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
    logprob_N = head_logprobs(hidden_NH, weight_HV, target_N, cap_bytes=cap)
    assert logprob_N.dtype == np.float64
    np.testing.assert_allclose(logprob_N, expected, rtol=1e-5, atol=1e-5)


@given(heads(), CAPS)
def test_distributions_are_those_of_float64_position_by_position(head, cap):
    hidden_NH, weight_HV, _ = head
    logprob_NV = np.concatenate([chunk.copy() for chunk in head_distributions(hidden_NH, weight_HV, cap_bytes=cap)])
    assert logprob_NV.dtype == np.float32
    np.testing.assert_allclose(logprob_NV, slow_logprob_NV(hidden_NH, weight_HV), rtol=1e-5, atol=1e-5)


@given(heads(), CAPS)
def test_distributions_hold_the_log_probabilities_rounded_once(head, cap):
    hidden_NH, weight_HV, target_N = head
    chunks = [chunk.copy() for chunk in head_distributions(hidden_NH, weight_HV, cap_bytes=cap)]
    chosen_N = np.take_along_axis(np.concatenate(chunks), target_N[:, None], axis=1)[:, 0]
    expected_N = head_logprobs(hidden_NH, weight_HV, target_N, cap_bytes=cap)
    # products of one row and of many are rounded differently
    np.testing.assert_allclose(chosen_N, expected_N, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_chunks_stay_under_the_cap_and_the_next_one_overwrites_them(threads, monkeypatch):
    monkeypatch.setattr(numpy_head, "processors", lambda: threads)
    hidden_NH, weight_HV = np.ones((103, 4), np.float32), np.ones((4, 1000), np.float32)
    chunks = list(head_distributions(hidden_NH, weight_HV, cap_bytes=40_000))
    assert [len(chunk) for chunk in chunks] == [10] * 10 + [3]
    assert all(np.shares_memory(chunk, chunks[0]) for chunk in chunks)


def test_an_almost_certain_token_keeps_its_surprisal():
    logits = np.array([[1000.0, 993.0]], np.float32)
    surprisal = -float(logits_to_logprobs(logits)[0, 0])
    assert surprisal == pytest.approx(np.log1p(np.exp(-7)), rel=1e-4)


def test_a_row_without_a_distribution_becomes_nan_and_no_other_does():
    logits = np.array([[0, np.nan], [0, np.inf], [-np.inf, -np.inf], [0, -np.inf]], np.float32)
    assert np.isnan(logits_to_logprobs(logits)).tolist() == [[True, True]] * 3 + [[False, False]]
    assert logits[3].tolist() == [0, -np.inf]


@given(st.floats(-1e4, 1e4))
def test_adding_a_number_to_all_logits_adds_it_to_their_log_sum(shift):
    logits = np.linspace(-3, 3, 50)[None]
    kept = np.array([True])
    assert log_sum_exp(logits + shift, kept)[0] == pytest.approx(log_sum_exp(logits, kept)[0] + shift, abs=1e-9)


def test_no_positions_have_no_log_probabilities():
    nothing = np.empty((0, 4), np.float32), np.ones((4, 9), np.float32)
    assert head_logprobs(*nothing, np.empty(0, np.int64), cap_bytes=100).shape == (0,)
    assert list(head_distributions(*nothing, cap_bytes=100)) == []


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
    with pytest.raises(BadInput, match=rf"token id {wrong} at index 1 .* vocabulary of 9"):
        head_logprobs(np.ones((2, 4)), np.ones((4, 9)), np.array([0, wrong]), cap_bytes=100)
