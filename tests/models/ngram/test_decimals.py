from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nonplus.kernels.native import arpa
from nonplus.models.ngram.arpa.decimals import decimals, float32s

needs_kernel = pytest.mark.skipif(arpa.functions() is None, reason="the C kernel is not built or is switched off")
finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


def distance(number: np.float32, text: str) -> Fraction:
    return abs(Fraction(float(number)) - Fraction(text))


@given(number=finite)
def test_a_number_comes_back_from_its_decimal(number):
    (text,) = decimals(np.array([number], np.float32))
    assert float32s([text]).tobytes() == np.float32(number).tobytes()


@needs_kernel
@given(numbers=st.lists(st.one_of(finite, st.floats(-100, 0, width=32)), min_size=1))
def test_the_c_kernel_writes_and_reads_the_same(numbers):
    probs = np.minimum(np.array(numbers, np.float32), np.float32(0))
    for number, text in zip(probs, decimals(probs), strict=True):
        one = np.array([number])
        line, written = arpa.written(
            arpa.functions(), arpa.PackedWords([b"word"]), np.zeros((1, 1), np.int32), one, one
        )
        assert bytes(line) == b"%s\tword\t%s\n" % (text, text) * written
        text_N = np.frombuffer(b"%s word %s\n" % (text, text), np.uint8)
        read = arpa.read(arpa.functions(), text_N, order=1, highest=False, room=1)
        for column in (read.log10_probs_M, read.log10_backoffs_M):
            assert column.tobytes() == one.tobytes() * len(read.begins_M)


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
    [
        (-99.0, b"-99"),
        (0.0, b"0"),
        (-0.0, b"-0"),
        (-0.30103, b"-0.30103"),
        (-np.inf, b"-inf"),
        (1e-6, b"0.000001"),
        (1.5e-7, b"1.5e-7"),
        (1e-45, b"1e-45"),
        (3e38, b"3e+38"),
    ],
)
def test_decimals_are_written_as_lmplz_does(number, text):
    assert decimals(np.array([number], np.float32)) == [text]
