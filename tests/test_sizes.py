"""Sizes mean the same wherever they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput
from nonplus.sizes import bytes_of


@pytest.mark.parametrize(
    ("size", "meant"),
    [
        ("700", 700),
        ("6M", 6_000_000),
        ("6MB", 6_000_000),
        ("1.5 GB", 1_500_000_000),
        ("4Gi", 4 << 30),
        ("512MiB", 512 << 20),
        ("2t", 2 * 10**12),
        ("0.001M", 1000),
        (" 1k ", 1000),
    ],
)
def test_units_are_powers_of_1000_and_with_an_i_of_1024(size: str, meant: int) -> None:
    assert bytes_of(size, option="memory", example="4G") == meant


@given(st.integers(0, 10**30))
def test_a_number_is_exactly_so_many_bytes(number: int) -> None:
    assert bytes_of(f"{number}", option="memory", example="4G") == number


@pytest.mark.parametrize("size", ["", "G", "6X", "-1", "1e9", "inf", "nan", "1_000", "6 M B", "\u0664G", "6Ki\0"])
def test_what_is_no_size_is_refused_by_the_name_of_the_option(size: str) -> None:
    with pytest.raises(BadInput, match=r"(?s)to_bytes=.* is no number of bytes; write e\.g\. to_bytes=6M, with K, M"):
        bytes_of(size, option="to_bytes", example="6M")
