"""The C kernel and the NumPy code compute the same log-sum-exp."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nonplus.kernels import native
from nonplus.kernels.backends import numpy as numpy_backend
from nonplus.kernels.token_nll import token_nll
from nonplus.native import FILE

needs_kernel = pytest.mark.skipif(native.functions() is None, reason="the C kernel is not built or is switched off")


def baseline_accumulate(scores, kept, level, total):
    """The C kernel for any processor, also where this one has another."""
    name = {"float16": "f16", "float32": "f32", "float64": "f64"}[scores.dtype.name]
    function = getattr(native.functions(), f"nonplus_lse_{name}_v1")
    function.argtypes = getattr(native.functions(), f"nonplus_lse_{name}").argtypes
    n, vocabulary = scores.shape
    stride = scores.strides[0] // scores.itemsize
    function(*(a.ctypes.data for a in (scores, kept)), n, vocabulary, stride, level.ctypes.data, total.ctypes.data)


PATHS = [
    pytest.param(numpy_backend.accumulate, marks=needs_kernel, id="C"),
    pytest.param(baseline_accumulate, marks=needs_kernel, id="C for any processor"),
    numpy_backend.pure_accumulate,
]


def log_sum_exp(accumulate, *chunks):
    """Of rows, from chunks of their vocabulary."""
    n = len(chunks[0])
    level, total = np.full(n, -np.inf), np.zeros(n)
    for chunk in chunks:
        accumulate(chunk, np.ones(n, bool), level, total)
    with np.errstate(divide="ignore"):
        return level + np.log(total)


def oracle(scores):
    wide = np.asarray(scores, np.longdouble)
    most = wide.max(axis=1, keepdims=True)
    return (most + np.log(np.exp(wide - most).sum(axis=1, keepdims=True)))[:, 0].astype(np.float64)


@pytest.mark.parametrize("accumulate", PATHS)
@given(
    scores=hnp.arrays(
        np.float64, st.tuples(st.integers(1, 4), st.integers(1, 70)), elements=st.floats(-300, 300, width=32)
    ),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
)
def test_every_dtype_gives_the_log_of_the_sum_of_exponentials(accumulate, scores, dtype):
    stored = scores.astype(dtype)
    precision = 1e-13 if dtype == np.float64 else 3e-7
    np.testing.assert_allclose(log_sum_exp(accumulate, stored), oracle(stored), rtol=precision, atol=precision)


@pytest.mark.parametrize("accumulate", PATHS)
@pytest.mark.parametrize("vocabulary", [2047, 2048, 2049, 50257])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_real_vocabularies_are_exact_to_5e_8(accumulate, vocabulary, dtype):
    scores = np.random.default_rng(0).normal(0, 2.5, (6, vocabulary)).astype(dtype)
    np.testing.assert_allclose(log_sum_exp(accumulate, scores), oracle(scores), rtol=5e-8)


@pytest.mark.parametrize("accumulate", PATHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_peak_after_the_first_block_raises_the_level(accumulate, dtype):
    scores = np.random.default_rng(1).normal(0, 1, (5, 9000)).astype(dtype)
    for row, peak in enumerate([59.0, 61.0, 88.0, 1000.0, 1e30]):
        scores[row, 8000] = peak
    np.testing.assert_allclose(log_sum_exp(accumulate, scores), oracle(scores), rtol=1e-7)


@pytest.mark.parametrize("accumulate", PATHS)
@pytest.mark.parametrize("rise", [4, 7.9, 8.1, 12, 20, 50, 59])
@pytest.mark.parametrize("start", [2048, 5000, 25_000])
def test_a_rise_after_the_first_block_costs_no_precision(accumulate, rise, start):
    """Required is 2e-7 of a token's surprisal."""
    scores = np.random.default_rng(7).normal(0, 2.5, (16, 50_257)).astype(np.float32)
    scores[:8, start] += rise
    scores[8:, start:] += rise
    target = np.full(16, 17)
    nats = log_sum_exp(accumulate, scores) - scores[np.arange(16), target]
    np.testing.assert_allclose(nats, oracle(scores) - scores[np.arange(16), target], rtol=2e-7)


@pytest.mark.parametrize("accumulate", PATHS)
@pytest.mark.parametrize("above", [8, 12, 17])
def test_a_score_far_above_the_rest_costs_them_little_precision(accumulate, above):
    """A float32 near 1 absorbs little of small addends, but for a token that the model
    is sure of they are all of the surprisal."""
    scores = np.random.default_rng(8).normal(0, 1, (50, 8192)).astype(np.float32)
    scores[np.arange(50), np.arange(50) * 160] = scores.max(axis=1) + above
    np.testing.assert_allclose(log_sum_exp(accumulate, scores), oracle(scores), rtol=0, atol=1e-6)


@pytest.mark.parametrize("accumulate", PATHS)
def test_a_block_far_below_the_level_adds_nothing(accumulate):
    scores = np.full((2, 6000), -1000.0, np.float32)
    scores[:, 3], scores[1, 5000] = 0.0, 0.0
    np.testing.assert_allclose(log_sum_exp(accumulate, scores), [0, np.log(2)], atol=1e-7)


@pytest.mark.parametrize("accumulate", PATHS)
@given(cuts=st.lists(st.integers(1, 4999), max_size=4, unique=True), seed=st.integers(0, 9))
def test_a_vocabulary_may_come_in_chunks(accumulate, cuts, seed):
    scores = np.random.default_rng(seed).normal(0, 20, (3, 5000)).astype(np.float32)
    chunks = np.split(scores, sorted(cuts), axis=1)
    np.testing.assert_allclose(log_sum_exp(accumulate, *chunks), oracle(scores), rtol=1e-7)


@pytest.mark.parametrize("accumulate", PATHS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("place", [0, 5, 2048, 4999])
@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, np.uint32(0x7FC12345).view(np.float32)])
def test_nan_or_infinity_anywhere_makes_the_row_nan(accumulate, dtype, place, value):
    scores = np.full((2, 5000), -1.0, dtype)
    scores[1, place] = value
    with np.errstate(invalid="ignore"):
        result = log_sum_exp(accumulate, scores)
    assert np.isfinite(result[0])
    assert np.isnan(result[1])


@pytest.mark.parametrize("accumulate", PATHS)
def test_nan_among_scores_of_minus_infinity_makes_the_row_nan(accumulate):
    scores = np.full((2, 3000), -np.inf, np.float32)
    scores[0, 2500] = np.nan
    level, total = np.full(2, -np.inf), np.zeros(2)
    with np.errstate(invalid="ignore"):
        accumulate(scores, np.ones(2, bool), level, total)
    assert np.isnan(total[0])
    assert (level[1], total[1]) == (-np.inf, 0)


@pytest.mark.parametrize("accumulate", PATHS)
def test_scores_of_minus_infinity_add_nothing(accumulate):
    scores = np.random.default_rng(2).normal(0, 3, (4, 700)).astype(np.float32)
    padded = np.full((4, 5000), -np.inf, np.float32)
    padded[:, 3000:3700] = scores
    np.testing.assert_allclose(log_sum_exp(accumulate, padded), oracle(scores), rtol=1e-7)


@pytest.mark.parametrize("accumulate", PATHS)
def test_rows_that_are_not_kept_are_not_read(accumulate):
    scores = np.full((3, 10), np.nan, np.float32)
    scores[1] = 0
    level, total = np.full(3, -np.inf), np.zeros(3)
    accumulate(scores, np.array([False, True, False]), level, total)
    assert total.tolist() == [0, 10, 0]


@pytest.mark.parametrize("vocabulary", [1, 2, 31, 32, 33, 127, 129, 2047, 2049, 50_257])
@needs_kernel
def test_each_bfloat16_is_counted_once(vocabulary):
    scores = np.random.default_rng(9).normal(0, 2.5, (6, vocabulary)).astype(np.float32)
    bits = (scores.view(np.uint32) >> 16).astype(np.uint16)
    level, total = np.full(6, -np.inf), np.zeros(6)
    sizes = {"vocabulary": vocabulary, "stride": vocabulary, "threads": 1}
    native.accumulate(bits.ctypes.data, "bfloat16", kept_N=np.ones(6, bool), level_N=level, sum_N=total, **sizes)
    expected = oracle((bits.astype(np.uint32) << 16).view(np.float32))
    np.testing.assert_allclose(level + np.log(total), expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("bits", range(0, 1 << 16, 4096))
@needs_kernel
def test_every_float16_is_read_exactly(bits):
    numbers = np.arange(bits, bits + 4096, dtype=np.uint16).view(np.float16)
    finite = numbers[np.isfinite(numbers)].reshape(-1, 1)
    level, total = np.full(len(finite), -np.inf), np.zeros(len(finite))
    numpy_backend.accumulate(finite, np.ones(len(finite), bool), level, total)
    np.testing.assert_array_equal(level, finite[:, 0].astype(np.float64))


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[:, :-1],
        lambda x: x[:, 1:],
        lambda x: x[::2],
        lambda x: x[:, ::-1],
        lambda x: x[..., ::2],
        lambda x: x.swapaxes(0, 1),
        lambda x: np.broadcast_to(x[:1], x.shape),
    ],
    ids=["without-last", "without-first", "every-other-row", "backwards", "every-other-entry", "swapped", "broadcast"],
)
def test_any_strides_give_the_same(view):
    scores = view(np.random.default_rng(3).normal(0, 3, (3, 4, 50)).astype(np.float32))
    targets = np.random.default_rng(4).integers(0, scores.shape[-1], scores.shape[:-1])
    np.testing.assert_allclose(token_nll(scores, targets).nats, token_nll(scores.copy(), targets).nats, 3e-7, 3e-7)


def test_threads_change_nothing(monkeypatch):
    scores = np.random.default_rng(5).normal(0, 3, (7, 1 << 19)).astype(np.float32)
    results = []
    for threads in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        results.append(token_nll(scores, np.arange(7)).nats)
    np.testing.assert_array_equal(*results)


@needs_kernel
def test_an_environment_variable_switches_the_kernel_off():
    code = "from nonplus.native import library; print(library() is None)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NONPLUS_NATIVE": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "True\n"


@needs_kernel
def test_the_library_links_neither_python_nor_torch():
    symbols = subprocess.run(["nm", "-D", "--undefined-only", FILE], capture_output=True, text=True, check=True).stdout
    assert not [line for line in symbols.splitlines() if " Py" in line or "torch" in line]
