"""Sums over a few wide stretches of a document: what its own text says of its spread.

Neighbouring tokens resemble each other over long distances, so that stretches are as
wide as is possible: quarters.

Letters in shapes: S scored tokens.
"""

from typing import NamedTuple

import numpy as np

from nonplus.measure.records import Ints

FEW = 2  # documents too few to say how documents differ: their own spread is all there is
_STRETCHES = 4  # of each


class Stretch(NamedTuple):
    """Sums over a stretch of one document, both in units of 2**-40: nats and tokens."""

    nats: int
    tokens: int


def quarters(begin: int, end: int) -> Ints:
    """Where the stretches of a document begin and end that has the scored tokens
    ``[begin, end)``.
    """
    return np.asarray(begin + np.arange(_STRETCHES + 1) * (end - begin) // _STRETCHES)
