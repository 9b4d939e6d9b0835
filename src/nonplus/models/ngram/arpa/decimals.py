"""Float32 numbers as decimal text and back: the nearest in, the shortest out.

The C kernel (``arpa.c``) computes the same in the same way, so with the same bits.

Letters in shapes: M numbers.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nonplus.models.ngram.ngrams import Float32s

_DIGITS = 9  # that always suffice
_POWERS = 10.0 ** np.arange(23)  # exact
# Between these, a number times a power of 10 is rounded once, for the power is exact.
_SMALLEST, _LARGEST = 1e-14, 1e7


def float32s(texts_M: Sequence[bytes]) -> Float32s:
    """The float32 nearest to each decimal number.

    Raises:
        ValueError: one of them is not a number.
    """
    doubles_M = np.array([float(text) for text in texts_M], np.float64)
    with np.errstate(over="ignore"):  # to infinity, which the caller refuses
        nearest_M = doubles_M.astype(np.float32)
    for m in np.flatnonzero(_halfway(doubles_M, nearest_M)).tolist():
        nearest_M[m] = _nearest(Fraction(texts_M[m].decode()), doubles_M[m])
    return nearest_M


def decimals(numbers_M: Float32s) -> list[bytes]:
    """The shortest decimal of each number that reads back as the same float32."""
    values_M = np.abs(numbers_M.astype(np.float64))
    plain_M = (values_M >= _SMALLEST) & (values_M < _LARGEST)
    digits, places = _shortest(values_M[plain_M])
    texts = iter([_printed(*pair) for pair in zip(digits.tolist(), places.tolist(), strict=True)])
    return [
        b"%s%s" % (b"-" * bool(negative), next(texts) if plain else _rare(value))
        for negative, plain, value in zip(np.signbit(numbers_M), plain_M, values_M.tolist(), strict=True)
    ]


def _shortest(values_M: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Digits as an integer, and how many of them are after the point."""
    places_M = 14 - np.searchsorted(_POWERS[1:21], values_M * 1e14, side="right")
    digits_M = np.zeros(len(values_M), np.int64)
    left = np.arange(len(values_M))
    for _ in range(_DIGITS):
        values, places = values_M[left], places_M[left]
        up, down = _POWERS[np.maximum(places, 0)], _POWERS[np.maximum(-places, 0)]
        rounded = np.rint(np.where(places < 0, values / down, values * up))
        back = np.where(places < 0, rounded * down, rounded / up)
        digits_M[left] = rounded
        same = back.astype(np.float32) == values.astype(np.float32)
        left = left[~same | _halfway(back, back.astype(np.float32))]
        places_M[left] += 1
    return digits_M, places_M


def _printed(digits: int, places: int) -> bytes:
    """As lmplz prints it: 0.000001, but 1e-7."""
    text = str(digits * 10 ** max(0, -places))
    whole = len(text) - max(0, places)  # digits before the point
    significant = text.rstrip("0")
    if whole <= -6:
        mantissa = significant[0] + "." * (len(significant) > 1) + significant[1:]
        return f"{mantissa}e-{1 - whole}".encode()
    if whole <= 0:
        return f"0.{'0' * -whole}{significant}".encode()
    fraction = text[whole:].rstrip("0")
    return f"{text[:whole]}{'.' * bool(fraction)}{fraction}".encode()


def _rare(value: float) -> bytes:
    """A number that is 0, infinite, very small or very large."""
    if not value:
        return b"0"
    texts = (f"{value:.{digits}g}".encode() for digits in range(1, _DIGITS + 1))
    return next(text for text in texts if float32s([text])[0] == value)


def _halfway(doubles_M: NDArray[np.float64], nearest_M: Float32s) -> NDArray[np.bool_]:
    """Where a double lies halfway between two float32: it was rounded itself, so that
    the decimal may be nearer to the other one.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        error_M = doubles_M - nearest_M
        other_M = np.nextafter(nearest_M, np.where(error_M > 0, np.float32(np.inf), np.float32(-np.inf)))
        halfway: NDArray[np.bool_] = (error_M != 0) & (error_M == other_M - doubles_M)
    return halfway


def _nearest(exact: Fraction, double: np.float64) -> np.float32:
    rounded = Fraction(float(double))
    if exact == rounded:
        return np.float32(double)
    return np.float32(np.nextafter(double, np.inf if exact > rounded else -np.inf))
