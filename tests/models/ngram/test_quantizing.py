"""Bins: near every value, the same however the values come."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadProtocol
from nonplus.models.ngram.quantizing import Bins, bins, greatest_sum

log_probs = st.lists(st.floats(-99, 2, width=32), min_size=1, max_size=200)


def of(values: list[float], bits: int, *, reserved: int = 0) -> Bins:
    return bins(lambda: [np.array(values, np.float32)], bits, reserved=reserved)


def stand_for(made: Bins, values: list[float]) -> np.ndarray:
    return made.values_B[made.codes(np.array(values, np.float32))]


@given(log_probs, st.integers(2, 9))
def test_no_value_is_further_from_what_its_code_stands_for_than_the_error_says(values: list[float], bits: int) -> None:
    made = of(values, bits)
    assert len(made.values_B) <= 1 << bits
    assert np.abs(stand_for(made, values).astype(np.float64) - np.array(values, np.float32)).max() <= made.error


@given(log_probs, st.integers(2, 9))
def test_no_bin_is_nearer_to_a_value_than_its_own(values: list[float], bits: int) -> None:
    made = of(values, bits)
    for value, near in zip(np.array(values, np.float32), stand_for(made, values), strict=True):
        every = [abs(float(value) - float(each)) for each in made.values_B]
        assert abs(float(value) - float(near)) == min(every)


@given(log_probs, st.integers(2, 6), st.integers(1, 9))
def test_the_bins_do_not_depend_on_the_blocks(values: list[float], bits: int, size: int) -> None:
    whole = of(values, bits)
    cut = bins(lambda: [np.array(values[i : i + size], np.float32) for i in range(0, len(values), size)], bits)
    assert whole.values_B.tobytes() == cut.values_B.tobytes()
    assert whole.error == cut.error


@given(log_probs, st.integers(2, 6))
def test_to_quantise_twice_is_to_quantise_once(values: list[float], bits: int) -> None:
    once = stand_for(of(values, bits), values)
    twice = of(list(once), bits)
    assert twice.error == 0.0
    assert np.array_equal(stand_for(twice, list(once)), once)


@given(log_probs, st.integers(2, 6), st.integers(1, 3))
def test_codes_that_are_reserved_are_left_over(values: list[float], bits: int, reserved: int) -> None:
    assert len(of(values, bits, reserved=reserved).values_B) <= (1 << bits) - reserved


@given(log_probs, st.integers(2, 6))
def test_the_least_and_the_greatest_value_are_exact(values: list[float], bits: int) -> None:
    ends = [min(values), max(values)]
    assert np.array_equal(stand_for(of(values, bits), ends), np.array(ends, np.float32))


def test_one_far_value_does_not_widen_the_bins_of_the_others():
    usual = np.linspace(-8, 0, 10_000, dtype=np.float32)
    made = of([-99.0, *usual], 8)
    assert np.abs(stand_for(made, list(usual)) - usual).max() < 8 / 255


@pytest.mark.parametrize("bits", [1, 17, -1])
def test_a_number_of_bits_that_no_code_has_is_refused(bits: int) -> None:
    with pytest.raises(BadProtocol, match=f"bits={bits} is no number of bits for a value, which has 2 to 16"):
        of([0.0], bits)


def test_a_sum_is_as_far_off_as_the_longest_way_of_backing_off_or_one_probability():
    assert greatest_sum([0.0], []) == 0.0
    assert greatest_sum([0.0, 0.5], [0.25]) == 0.5
    assert greatest_sum([0.0, 0.5, 0.5], [0.25, 0.25]) == 0.75
