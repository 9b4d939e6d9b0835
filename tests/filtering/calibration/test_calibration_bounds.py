"""The bounds stay where they are, however bad the bad documents are."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.filtering.calibration import bounds as module


def recommended(bits, trusted=None, repeated=0.0):
    return module.recommended(bits, np.broadcast_to(repeated, len(bits)), trusted)


# 2,001 documents of a normal curve with mean 2 and deviation 0.2.
BODY = np.array([NormalDist(2, 0.2).inv_cdf((place + 0.5) / 2001) for place in range(2001)])


def test_a_normal_body_has_its_bound_three_and_a_half_deviations_up():
    bounds = recommended(np.append(BODY, 9.0))
    assert bounds.high == pytest.approx(2 + 3.5 * 0.2, abs=0.01)


def test_a_body_alone_has_no_bound_and_says_that_nothing_stands_out():
    bounds = recommended(BODY)
    assert (bounds.low, bounds.high) == (None, None)
    assert all("nothing stands out" in why for why in bounds.why[:2])


@given(st.lists(st.floats(3.5, 1e6) | st.just(float("inf")), min_size=200, max_size=400))
def test_how_bad_the_bad_ones_are_does_not_matter(bad):
    far, near = recommended(np.append(BODY, bad)), recommended(np.append(BODY, [3.5] * len(bad)))
    assert far.high == near.high
    assert far.high < 3.5


@given(st.integers(1, 600))
def test_boilerplate_below_is_guarded_against(number):
    bounds = recommended(np.append(BODY, np.full(number, 0.3)))
    assert 0.3 < bounds.low < 2 - 2.5 * 0.2
    assert bounds.high is None


def test_the_bound_of_trusted_documents_keeps_95_in_100_of_them():
    trusted = np.arange(1, 1001) / 100
    bounds = recommended(BODY, trusted)
    assert bounds.high == 9.5
    assert np.mean(trusted <= bounds.high) == 0.95
    assert "95% of the 1,000 trusted documents" in bounds.why[0]


def test_the_reasons_have_the_figures():
    bounds = recommended(np.concatenate([BODY, np.full(100, 9.0), np.full(50, 0.1)]))
    assert f"Above {bounds.high:.2f} bits per byte lie 4.6% of the documents" in bounds.why[0]
    assert f"Below {bounds.low:.2f} bits per byte lie 2.3% of the documents" in bounds.why[1]


def test_documents_that_are_all_alike_tell_no_bound():
    bounds = recommended(np.concatenate([np.full(200, 8.0), np.full(9, 7.99), np.full(9, 9.0)]))
    assert (bounds.low, bounds.high) == (None, None)


def test_text_that_repeats_half_of_itself_is_guarded_against():
    assert recommended(BODY, repeated=0.5).repetition is None
    some = recommended(BODY, repeated=np.arange(len(BODY)) / 2000)
    assert some.repetition == 0.5
    assert some.why[2].startswith("50.0% of the documents repeat more than half of themselves")
