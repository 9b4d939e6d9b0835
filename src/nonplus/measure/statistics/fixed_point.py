"""Whole numbers of 2**-40 nats: a float becomes one before it is added, so that any order gives the same sum."""

import math

_ONE = 1 << 40  # one nat


def fixed(value: float) -> int:
    """``value`` in whole units of 2**-40, rounded down; exact for sums afterwards."""
    numerator, denominator = value.as_integer_ratio()
    return numerator * _ONE // denominator


def unfixed(value: int) -> float:
    """Inverse of :func:`fixed`; infinite beyond what a float can hold."""
    try:
        return value / _ONE
    except OverflowError:
        return math.inf


def exp(value: float) -> float:
    """e to the ``value``; infinite where that overflows."""
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
