"""The head in torch against float64, in any lots and number formats, and what it may hold in memory."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="the kernel is made of torch")

import torch

from nonplus.kernels.torch_head import (
    head_logits,
    head_logprobs,
    head_readings,
    logits_logprobs,
    logits_readings,
    readings,
)

CAPS = st.sampled_from([1, 1000, 1 << 20])


@st.composite
def heads(draw):
    """Hidden states (N, H), weights (V, H), a bias (V,) or none, targets (N,)."""
    torch.manual_seed(draw(st.integers(0, 999)))
    n, h, v = draw(st.integers(1, 20)), draw(st.integers(1, 8)), draw(st.integers(1, 50))
    bias_V = torch.randn(v) if draw(st.booleans()) else None
    hidden_NH = draw(st.sampled_from([0.1, 1, 30])) * torch.randn(n, h)
    return hidden_NH, torch.randn(v, h), bias_V, torch.randint(v, (n,))


def slow_logprob_NV(hidden_NH, weight_VH, bias_V):
    bias_V = np.zeros(len(weight_VH)) if bias_V is None else bias_V.double().numpy()
    logits_NV = hidden_NH.double().numpy() @ weight_VH.double().numpy().T + bias_V
    most_N1 = logits_NV.max(axis=1, keepdims=True)
    return logits_NV - most_N1 - np.log(np.exp(logits_NV - most_N1).sum(axis=1, keepdims=True))


@given(heads(), CAPS)
def test_log_probabilities_are_those_of_float64(head, cap):
    expected_N = slow_logprob_NV(*head[:3])[np.arange(len(head[3])), head[3].numpy()]
    answer_N = head_logprobs(*head, cap_bytes=cap)
    assert answer_N.dtype == np.float64
    np.testing.assert_allclose(answer_N, expected_N, rtol=1e-5, atol=1e-5)


@given(heads(), CAPS)
def test_a_float64_body_is_answered_in_float64(head, cap):
    hidden_NH, weight_VH, _, target_N = head
    expected_N = slow_logprob_NV(hidden_NH, weight_VH, None)[np.arange(len(target_N)), target_N.numpy()]
    answer_N = head_logprobs(hidden_NH.double(), weight_VH.double(), None, target_N, cap_bytes=cap)
    np.testing.assert_allclose(answer_N, expected_N, rtol=1e-12, atol=1e-12)


@given(heads(), CAPS, st.integers(0, 60))
def test_readings_sum_up_the_distribution_of_float64(head, cap, top):
    logprob_NV = slow_logprob_NV(*head[:3])
    chosen_N1 = logprob_NV[np.arange(len(head[3])), head[3].numpy()][:, None]
    answer = head_readings(*head, top=top, cap_bytes=cap)
    k = min(top, len(head[1]))
    assert answer.top_ids.shape == answer.top_nats.shape == (len(head[3]), k)
    np.testing.assert_allclose(answer.nats, -chosen_N1[:, 0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(answer.entropy, -(np.exp(logprob_NV) * logprob_NV).sum(axis=1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(answer.top_nats, -np.sort(logprob_NV)[:, ::-1][:, :k], rtol=1e-5, atol=1e-5)
    near_N = np.count_nonzero(np.abs(logprob_NV - chosen_N1) < 1e-4, axis=1) - 1
    assert np.all(np.abs(answer.rank - 1 - np.count_nonzero(logprob_NV > chosen_N1, axis=1)) <= near_N)


@given(heads(), CAPS)
def test_readings_and_log_probabilities_agree_to_the_last_bit(head, cap):
    assert np.array_equal(head_readings(*head, top=1, cap_bytes=cap).nats, -head_logprobs(*head, cap_bytes=cap))


@given(heads())
def test_lots_of_any_size_give_the_same_figures(head):
    whole, by_one = head_logprobs(*head, cap_bytes=1 << 30), head_logprobs(*head, cap_bytes=1)
    np.testing.assert_allclose(whole, by_one, rtol=1e-5, atol=1e-5)


@given(heads(), st.randoms())
def test_parts_may_come_in_any_order(head, random):
    hidden_NH, weight_VH, _, target_N = head
    logits_NV = hidden_NH @ weight_VH.T
    places = list(range(len(target_N)))
    random.shuffle(places)
    parts = [(torch.tensor(places[i : i + 3]), logits_NV[places[i : i + 3]]) for i in range(0, len(places), 3)]
    shuffled, straight = readings(parts, target_N, top=1), logits_readings(logits_NV, target_N, top=1)
    assert np.array_equal(shuffled.nats, straight.nats)
    assert np.array_equal(shuffled.rank, straight.rank)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_logits_in_half_precision_are_summed_in_float32(dtype):
    torch.manual_seed(0)
    logits_NV = (3 * torch.randn(50, 5000)).to(dtype)
    target_N = torch.randint(5000, (50,))
    expected_N = logits_NV.double().log_softmax(1).gather(1, target_N[:, None])[:, 0].numpy()
    in_half = logits_NV.log_softmax(1).gather(1, target_N[:, None])[:, 0].double().numpy()
    answer_N = logits_logprobs(logits_NV, target_N)
    assert np.abs(answer_N - expected_N).max() < 2e-6 < 1e-3 < np.abs(in_half - expected_N).max()


def test_equally_probable_tokens_share_the_better_rank_and_come_by_id():
    answer = logits_readings(torch.tensor([[2.0, 1.0, 2.0, 0.0]] * 4), torch.arange(4), top=4)
    assert answer.rank.tolist() == [1, 3, 1, 4]
    assert answer.top_ids[0].tolist() == [0, 2, 1, 3]


def test_an_impossible_token_has_infinite_surprisal_and_no_share_of_the_entropy():
    answer = logits_readings(torch.tensor([[0.0, -torch.inf, 0.0]] * 2), torch.tensor([1, 2]), top=3)
    assert answer.nats.tolist() == pytest.approx([np.inf, np.log(2)])
    assert answer.entropy.tolist() == pytest.approx([np.log(2)] * 2)
    assert answer.top_nats[0].tolist() == pytest.approx([np.log(2), np.log(2), np.inf])


def test_a_number_that_is_none_does_not_become_one():
    assert np.isnan(logits_logprobs(torch.tensor([[0.0, torch.nan]]), torch.tensor([0]))).all()


def test_logits_are_never_larger_than_the_cap():
    hidden_NH, weight_VH = torch.randn(100, 4), torch.randn(1000, 4)
    sizes = [logits.nbytes for _, logits in head_logits(hidden_NH, weight_VH, None, cap_bytes=40_000)]
    assert max(sizes) == 40_000
    assert sum(sizes) == 100 * 1000 * 4


def test_a_window_of_8192_tokens_over_128_thousand_ids_takes_less_than_200_megabytes():
    """Peak resident memory above the weights and states themselves, in a process of its own."""
    code = """
import resource, torch
from nonplus.kernels.torch_head import head_logprobs, head_readings
torch.set_num_threads(1)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
with torch.no_grad():
    hidden, weight, target = torch.zeros(8192, 8), torch.ones(128_256, 8), torch.zeros(8192, dtype=torch.int64)
    head_logprobs(hidden[:1], weight, None, target[:1], cap_bytes=128 << 20)
    before = peak()
    head_logprobs(hidden[:600], weight, None, target[:600], cap_bytes=128 << 20)
    head_readings(hidden[:300], weight, None, target[:300], top=5, cap_bytes=128 << 20)
    print(peak() - before)
"""
    grown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert float(grown.stdout) < 200
