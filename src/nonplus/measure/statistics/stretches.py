"""Sums over a few wide stretches of a document: what its own text says of its spread.

Neighbouring tokens resemble each other over long distances, so that stretches are as
wide as is possible: quarters.

Letters in shapes: S scored tokens.
"""

from typing import NamedTuple

import numpy as np

from nonplus.measure.statistics.fixed_point import BITS, Units, run_sums

FEW = 2  # documents too few to say how documents differ: their own spread is all there is
_STRETCHES = 4  # of each


class Stretch(NamedTuple):
    """Sums over a stretch of one document, both in units of 2**-40: nats and tokens."""

    nats: int
    tokens: int


def stretches(nats_units_S: Units, weight_units_S: Units | None) -> tuple[Stretch, ...]:
    """The quarters of one document, by scored tokens; weights are 1 where not given."""
    bounds = np.arange(_STRETCHES + 1) * len(nats_units_S) // _STRETCHES
    nats = run_sums(nats_units_S, bounds)
    weights = (
        [n << BITS for n in np.diff(bounds).tolist()] if weight_units_S is None else run_sums(weight_units_S, bounds)
    )
    return tuple(Stretch(y, n) for y, n in zip(nats, weights, strict=True) if n)
