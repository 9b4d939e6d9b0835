"""The head in torch against float64, in any chunks and dtypes, and its memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="the kernel is made of torch")

import torch

from nonplus.kernels.exact_products import exact_products
from nonplus.kernels.torch_head import distributions, head_logits, logprobs

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


def head_logprobs(hidden_NH, weight_VH, bias_V, target_N, *, cap_bytes):
    return logprobs(head_logits(hidden_NH, weight_VH, bias_V, cap_bytes=cap_bytes), target_N)


@given(heads(), CAPS)
def test_log_probabilities_are_those_of_float64(head, cap):
    expected_N = slow_logprob_NV(*head[:3])[np.arange(len(head[3])), head[3].numpy()]
    logprob_N = head_logprobs(*head, cap_bytes=cap)
    assert logprob_N.dtype == np.float64
    np.testing.assert_allclose(logprob_N, expected_N, rtol=1e-5, atol=1e-5)


@given(heads(), CAPS)
def test_a_float64_body_has_log_probabilities_in_float64(head, cap):
    hidden_NH, weight_VH, _, target_N = head
    expected_NV = slow_logprob_NV(hidden_NH, weight_VH, None)
    logprob_N = head_logprobs(hidden_NH.double(), weight_VH.double(), None, target_N, cap_bytes=cap)
    expected_N = expected_NV[np.arange(len(target_N)), target_N.numpy()]
    np.testing.assert_allclose(logprob_N, expected_N, rtol=1e-12, atol=1e-12)
    chunks = distributions(head_logits(hidden_NH.double(), weight_VH.double(), None, cap_bytes=cap))
    np.testing.assert_allclose(np.concatenate([chunk.copy() for chunk in chunks]), expected_NV, rtol=1e-12, atol=1e-12)


@given(heads(), CAPS)
def test_distributions_are_those_of_float64_position_by_position(head, cap):
    chunks = [chunk.copy() for chunk in distributions(head_logits(*head[:3], cap_bytes=cap))]
    assert {chunk.dtype for chunk in chunks} == {np.dtype(np.float32)}
    np.testing.assert_allclose(np.concatenate(chunks), slow_logprob_NV(*head[:3]), rtol=1e-5, atol=1e-5)


@given(heads(), CAPS)
def test_distributions_hold_the_log_probabilities_to_the_last_bits_of_float32(head, cap):
    chunks = [chunk.copy() for chunk in distributions(head_logits(*head[:3], cap_bytes=cap))]
    chosen_N = np.take_along_axis(np.concatenate(chunks), head[3].numpy()[:, None], axis=1)[:, 0]
    np.testing.assert_allclose(chosen_N, head_logprobs(*head, cap_bytes=cap), rtol=3e-7, atol=1e-12)


@given(heads())
def test_chunks_of_any_size_give_the_same_figures(head):
    whole, by_one = head_logprobs(*head, cap_bytes=1 << 30), head_logprobs(*head, cap_bytes=1)
    np.testing.assert_allclose(whole, by_one, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_logits_in_half_precision_are_summed_in_float32(dtype):
    torch.manual_seed(0)
    logits_NV = (3 * torch.randn(50, 5000)).to(dtype)
    target_N = torch.randint(5000, (50,))
    expected_NV = logits_NV.double().log_softmax(1).numpy()
    expected_N = np.take_along_axis(expected_NV, target_N.numpy()[:, None], axis=1)[:, 0]
    in_half = logits_NV.log_softmax(1).gather(1, target_N[:, None])[:, 0].double().numpy()
    logprob_N = logprobs([logits_NV], target_N)
    assert np.abs(logprob_N - expected_N).max() < 2e-6 < 1e-3 < np.abs(in_half - expected_N).max()
    (chunk,) = distributions([logits_NV])
    assert chunk.dtype == np.float32
    assert np.abs(chunk - expected_NV).max() < 4e-6


def test_an_almost_certain_token_keeps_its_surprisal():
    (chunk,) = distributions([torch.tensor([[1000.0, 993.0]])])
    assert -float(chunk[0, 0]) == pytest.approx(np.log1p(np.exp(-7)), rel=1e-4)


def test_a_row_without_a_distribution_becomes_nan_and_no_other_does():
    nan, inf = torch.nan, torch.inf
    logits = torch.tensor([[0, nan], [0, inf], [-inf, -inf], [0, -inf]])
    assert np.isnan(logprobs([logits], torch.zeros(4, dtype=torch.int64))).tolist() == [True, True, True, False]
    (chunk,) = distributions([logits])
    assert np.isnan(chunk).tolist() == [[True, True]] * 3 + [[False, False]]
    assert chunk[3].tolist() == [0, -np.inf]


def test_float32_on_a_cpu_is_handed_over_without_a_copy():
    logits = torch.randn(3, 50)
    (chunk,) = distributions([logits])
    assert np.shares_memory(chunk, logits.numpy())


def test_logits_are_never_larger_than_the_cap():
    hidden_NH, weight_VH = torch.randn(100, 4), torch.randn(1000, 4)
    sizes = [logits.nbytes for logits in head_logits(hidden_NH, weight_VH, None, cap_bytes=40_000)]
    assert max(sizes) == 40_000
    assert sum(sizes) == 100 * 1000 * 4


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc, as on Linux")
def test_a_window_of_8192_tokens_over_128_thousand_ids_takes_less_than_200_megabytes():
    """Peak resident memory above the weights and states, in a process of its own."""
    code = """
import torch
from pathlib import Path
from nonplus.measure.readings import readings
from nonplus.kernels.torch_head import distributions, head_logits, logprobs
torch.set_num_threads(1)
peak = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
with torch.no_grad():
    hidden, weight, target = torch.zeros(8192, 8), torch.ones(128_256, 8), torch.zeros(8192, dtype=torch.int64)
    logits = lambda n: head_logits(hidden[:n], weight, None, cap_bytes=128 << 20)
    logprobs(logits(1), target[:1])
    before = peak()
    logprobs(logits(600), target[:600])
    readings(distributions(logits(300)), target[:300].numpy(), top=5)
    print(peak() - before)
"""
    grown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert 20 < float(grown.stdout) < 200


def test_threads_that_leave_in_another_order_put_the_settings_back():
    before, first, second = torch.backends.cudnn.conv.fp32_precision, exact_products(), exact_products()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert torch.backends.cudnn.conv.fp32_precision == "ieee", "the second is still inside"
    second.__exit__(None, None, None)
    assert torch.backends.cudnn.conv.fp32_precision == before
