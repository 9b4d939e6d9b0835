"""Shares, sizes and times in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.formatting import lasting, percent, points, sized


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (None, "-"), (0.0, "0.0%"), (0.0001, "<0.1%"), (0.0005, "0.1%"), (0.123, "12.3%"), (0.99949, "99.9%"),
        (0.9999, ">99.9%"), (1.0, "100.0%"),
    ],
)  # fmt: skip
def test_a_share_is_never_rounded_to_none_or_all(share, said):
    assert percent(share) == said


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_change_has_the_sign_of_the_difference(before, after):
    said = points(before, after)
    assert said == "0.0" or said.startswith("+" if after > before else "−")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.00 kB"),
        (52_500_000, "52.5 MB"),
        (3e15, "3,000 TB"),
    ],
)
def test_a_size_has_the_unit_that_suits_it(number, said):
    assert sized(number) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.5, "<1 s"), (42, "42 s"), (600, "10 min"), (36_000, "10 h"), (864_000, "10 days")]
)
def test_a_time_has_the_unit_that_suits_it(seconds, said):
    assert lasting(seconds) == said
