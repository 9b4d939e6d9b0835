"""The C kernel and the NumPy code compute the same softmax and the same SwiGLU."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nonplus.kernels import numpy_layers
from nonplus.kernels.native import layers

needs_kernel = pytest.mark.skipif(layers.functions() is None, reason="the C kernel is not built or is switched off")
SOFTMAX = pytest.mark.parametrize(
    "exponentials",
    [pytest.param(layers.causal_exponentials, marks=needs_kernel, id="C"), numpy_layers.pure_causal_exponentials],
)
SWIGLU = pytest.mark.parametrize(
    "swiglu", [pytest.param(layers.swiglu, marks=needs_kernel, id="C"), numpy_layers.pure_swiglu]
)
SIZES = st.tuples(*[st.integers(1, 3)] * 2, st.integers(1, 40), st.integers(0, 300))  # K, R / Q, Q, S - Q


def row_by_row(scores, first_Q):
    """Softmax over what each row sees, in float64 by the definition."""
    share = np.zeros(scores.shape)
    for (k, r), _ in np.ndenumerate(scores[..., 0]):
        q = r % len(first_Q)
        seen = slice(first_Q[q], scores.shape[2] - len(first_Q) + q + 1)
        wide = np.exp(scores[k, r, seen].astype(np.float64) - scores[k, r, seen].max())
        share[k, r, seen] = wide / wide.sum()
    return share


@SOFTMAX
@given(SIZES, st.integers(0, 99), st.sampled_from([0.1, 3, 50]))
def test_softmax_is_over_what_a_token_sees_and_nothing_else(exponentials, sizes, seed, spread):
    k, g, q, past = sizes
    random = np.random.default_rng(seed)
    scores = random.normal(0, spread, (k, g * q, past + q)).astype(np.float32)
    first_Q = random.integers(0, past + np.arange(q) + 1)
    expected = row_by_row(scores, first_Q)
    total = exponentials(scores, first_Q)
    np.testing.assert_allclose(scores / total[..., None], expected, rtol=1e-6 * max(1, spread), atol=1e-7)
    assert not scores[expected == 0].any()


@SOFTMAX
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_row_with_a_score_that_is_none_has_no_sum(exponentials, wrong):
    scores = np.zeros((1, 4, 20), np.float32)
    scores[0, 1, 3] = scores[0, 2, 19] = wrong  # the third token does not see the last
    assert np.isnan(exponentials(scores, np.zeros(4, np.int64))).tolist() == [[False, True, False, False]]


@SWIGLU
@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 3), st.just(34)), elements=st.floats(-60, 60, width=32)))
def test_swiglu_is_that_of_the_definition(swiglu, both):
    gate, up = (half.astype(np.float64) for half in np.split(both, 2, axis=1))
    np.testing.assert_allclose(swiglu(both), gate / (1 + np.exp(-gate)) * up, rtol=5e-6, atol=1e-6)


@SWIGLU
def test_a_gate_beyond_the_exponentials_of_float32_shuts(swiglu):
    both = np.array([[-1e30, -1000, -89, 89, 1000, 2, 2, 2, 2, 2]], np.float32)
    np.testing.assert_allclose(swiglu(both), [[0, 0, 0, 178, 2000]], atol=1e-6)


@SWIGLU
def test_a_gate_that_is_no_number_gives_none(swiglu):
    assert np.isnan(swiglu(np.array([[np.nan, 1, 1, np.nan]], np.float32))).all()
