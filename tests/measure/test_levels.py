"""The confidence of an interval is checked where it is passed."""

import math

import numpy as np
import pytest

import nonplus
from nonplus.errors import BadInput
from nonplus.metrics import Perplexity


@pytest.mark.parametrize("level", [math.nan, "x", "0.95", None, 95, 1, 0, -0.5, True, 2j, [0.9]])
def test_what_is_not_a_confidence_is_refused_at_once(level):
    for ask in (
        lambda: nonplus.evaluate("A fox.", level=level),
        lambda: Perplexity(level=level),
    ):
        with pytest.raises(BadInput, match=r"number between 0 and 1, got .*; use level=0\.95 for 95 %"):
            ask()


@pytest.mark.parametrize("level", [0.9, np.float32(0.9), np.float64(0.9)])
def test_a_confidence_is_any_real_number_between_0_and_1(level):
    assert nonplus.evaluate("A fox.", level=level).level == pytest.approx(0.9)


@pytest.mark.parametrize("level", [0.9991, 0.9999999999999999])
def test_a_confidence_beyond_what_can_be_told_is_refused(level):
    with pytest.raises(BadInput, match=r"level=0\.999\d* is above 0\.999, .*; use level=0\.999 or less"):
        nonplus.evaluate("A fox.", level=level)
