"""Numbers as integers in the same order, so that their leading bits are a histogram."""

# N numbers

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nonplus.filtering.rules.scored import Floats

Keys: TypeAlias = NDArray[np.uint64]


def ordered(numbers: Floats) -> Keys:
    """Integers in the same order as the numbers (N,), none of which is NaN."""
    bits = (numbers + 0.0).view(np.uint64)  # + 0.0: -0.0 becomes the 0.0 that it equals
    return np.where(bits >> np.uint64(63), ~bits, bits | np.uint64(1 << 63))


def number(key: int) -> float:
    """Inverse of :func:`ordered`, for one."""
    bits = key ^ (1 << 63) if key >> 63 else key ^ ((1 << 64) - 1)
    return float(np.uint64(bits).view(np.float64))
