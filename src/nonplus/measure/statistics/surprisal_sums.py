"""Exact sums of surprisals over runs of tokens that each count once.

Letters in shapes: S scored tokens, R runs of them.
"""

import numpy as np

from nonplus.measure.records import Floats, Ints
from nonplus.measure.statistics.fixed_point import Units, blocks, run_sums, unfixed, units
from nonplus.measure.statistics.native_sums import sums_of_runs
from nonplus.measure.weights import once


def surprisal_sums(nats_S: Floats, bounds_R1: Ints) -> tuple[Units, Ints]:
    """The sum of each run ``[bounds[r], bounds[r + 1])`` in units of 2**-40, and how
    many of its tokens have probability 0, whose surprisal is in no sum; shapes (R,).
    """
    at_once = sums_of_runs(nats_S, once(len(nats_S)), bounds_R1)
    if at_once is not None:
        return at_once["nats"], at_once["zeros"]
    nats_R: Units = np.zeros(len(bounds_R1) - 1, object)
    for values, owners, runs in blocks(bounds_R1):
        finite_S = np.where(np.isfinite(nats_S[values]), nats_S[values], 0.0)
        nats_R[owners] += run_sums(units(finite_S), runs)
    zeros_R = np.diff(np.searchsorted(np.flatnonzero(~np.isfinite(nats_S)), bounds_R1))
    return (nats_R.astype(np.int64) if max(nats_R, default=0) < 1 << 63 else nats_R), zeros_R


def in_nats(units_R: Units) -> Floats:
    """Units of 2**-40 as floats."""
    if units_R.dtype == object:
        return np.array(list(map(unfixed, units_R)), np.float64)
    nats_R: Floats = units_R / float(1 << 40)
    return nats_R
