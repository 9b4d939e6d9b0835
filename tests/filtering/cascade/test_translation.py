"""What another model would say of a text, and how far that may be off."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput
from nonplus.filtering.cascade.translation import Translation, standard_error
from nonplus.filtering.scoring.columns import ScoreColumns


def columns(bits, *, errors, n_bytes=1000):
    """Documents with these bits per byte, and standard errors of them."""
    bits = np.asarray(bits, np.float64)
    made = ScoreColumns.of_nothing(len(bits))
    made.tokens[:], made.bytes[:] = n_bytes // 4, n_bytes
    made.nats[:] = bits * n_bytes * math.log(2)
    made.error[:] = np.asarray(errors) * 4 * math.log(2)
    return made


def drawn(seed, *, intercept, slope, floor, times, documents=4000):
    """Two models that differ in a known way."""
    random = np.random.default_rng(seed)
    x, errors = random.uniform(1, 4, documents), random.uniform(0.02, 0.3, documents)
    off = np.hypot(floor, times * errors) * random.standard_t(4, documents)
    return columns(x, errors=errors), columns(intercept + slope * x + off, errors=errors)


@pytest.mark.parametrize(
    ("intercept", "slope", "floor", "times"), [(0.2, 0.8, 0.05, 1.5), (-0.3, 1.1, 0.1, 0.0), (0.5, 0.6, 0.0, 3.0)]
)
def test_a_known_difference_of_two_models_is_found(intercept, slope, floor, times):
    found = Translation.fitted(*drawn(0, intercept=intercept, slope=slope, floor=floor, times=times))
    assert found.intercept == pytest.approx(intercept, abs=0.03)
    assert found.slope == pytest.approx(slope, abs=0.02)
    assert found.floor**2 == pytest.approx(floor**2, abs=0.001)
    assert found.times == pytest.approx(times, abs=0.15)
    assert found.documents == 4000


def test_a_model_is_translated_to_itself_without_an_error():
    first, _ = drawn(1, intercept=0, slope=1, floor=0, times=0)
    found = Translation.fitted(first, first)
    assert (found.slope, found.documents) == (1.0, 4000)
    assert abs(found.intercept) < 1e-9 > max(found.floor, found.times)


def test_garbage_far_off_the_line_changes_little():
    first, second = drawn(2, intercept=0.2, slope=0.8, floor=0.05, times=1.0)
    clean = Translation.fitted(first, second)
    second.nats[:200] *= 3
    first.nats[200:220] = np.inf
    second.nats[220:240], second.tokens[220:240], second.bytes[220:240] = 0, 0, 0
    dirty = Translation.fitted(first, second)
    assert dirty.documents == 3960
    assert dirty.slope == pytest.approx(clean.slope, abs=0.03)
    assert dirty.intercept == pytest.approx(clean.intercept, abs=0.05)


@given(st.floats(-1, 2), st.floats(0.1, 2), st.floats(0, 0.5), st.floats(0, 5))
def test_expected_figures_keep_their_order_and_are_not_below_zero(intercept, slope, floor, times):
    said = Translation(intercept=intercept, slope=slope, floor=floor, times=times, documents=50)
    first = columns([0.0, 1.0, 2.0, 8.0], errors=[0.0, 0.1, 0.2, 0.3])
    assert (np.diff(said.expected(first)) >= 0).all()
    assert said.expected(first).min() >= 0
    assert (np.diff(said.error(first)) >= 0).all()
    assert said.error(first)[0] == floor


def test_a_document_without_a_token_has_no_expected_figure():
    said = Translation(intercept=0.1, slope=1, floor=0.1, times=1, documents=50)
    assert np.isnan(said.expected(ScoreColumns.of_nothing(1))).all()
    assert np.isnan(said.error(ScoreColumns.of_nothing(1))).all()


def test_the_standard_error_is_in_bits_per_byte():
    assert standard_error(columns([2.0], errors=[0.25])).tolist() == pytest.approx([0.25])


def test_a_model_that_contradicts_the_first_is_refused():
    first, _ = drawn(3, intercept=0, slope=1, floor=0, times=0)
    _, second = drawn(3, intercept=5, slope=-1, floor=0.1, times=0)
    with pytest.raises(
        BadInput, match=r"the more bits per byte the first model gives, the fewer the second \(slope -1"
    ):
        Translation.fitted(first, second)


def test_too_few_documents_are_refused():
    first = columns(np.linspace(1, 2, 49), errors=np.full(49, 0.1))
    with pytest.raises(BadInput, match=r"^49 documents of the sample can be scored by both models, and it takes 50"):
        Translation.fitted(first, first)
