"""Float32 numbers as decimal text and back: the nearest in, the shortest out.

Letters in shapes: M numbers.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nonplus.models.ngram.ngrams import Float32s


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
    return [b"-0" if text == "-0.0" else text.removesuffix(".0").encode() for text in map(_text, numbers_M)]


def _text(number: np.float32) -> str:
    return str(number)


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
    away = np.nextafter(double, np.inf if exact > rounded else -np.inf)
    return np.float32(away)
