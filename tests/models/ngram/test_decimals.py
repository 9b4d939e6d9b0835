from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nonplus.models.ngram.decimals import decimals, float32s

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


def distance(number: np.float32, text: str) -> Fraction:
    return abs(Fraction(float(number)) - Fraction(text))


@given(number=finite)
def test_a_number_comes_back_from_its_decimal(number):
    (text,) = decimals(np.array([number], np.float32))
    assert float32s([text]).tobytes() == np.float32(number).tobytes()


@given(number=finite)
def test_no_decimal_with_fewer_digits_comes_back(number):
    (text,) = decimals(np.array([number], np.float32))
    digits = len(text.partition(b"e")[0].strip(b"-").replace(b".", b"").strip(b"0"))
    if digits > 1:
        shorter = f"{number:.{digits - 2}e}"
        assert float32s([shorter.encode()])[0] != np.float32(number)


@given(whole=st.integers(0, 10**12), places=st.integers(0, 40))
# Beside the middle of two float32: the nearest double does not tell them apart.
@example(whole=1000000059604644776, places=18)
@example(whole=10000000596046447754, places=19)
@example(whole=100000005960464477539063, places=23)
@example(whole=100000005960464477539062, places=23)
def test_a_decimal_becomes_the_nearest_float32(whole, places):
    text = f"-{whole}e-{places}"
    (number,) = float32s([text.encode()])
    others = [np.nextafter(number, np.float32(np.inf)), np.nextafter(number, np.float32(-np.inf))]
    assert all(distance(number, text) <= distance(other, text) for other in others)


@pytest.mark.parametrize(
    ("number", "text"),
    [(-99.0, b"-99"), (0.0, b"0"), (-0.0, b"-0"), (-0.30103, b"-0.30103"), (-np.inf, b"-inf"), (1e-7, b"1e-07")],
)
def test_decimals_are_written_plainly(number, text):
    assert decimals(np.array([number], np.float32)) == [text]
