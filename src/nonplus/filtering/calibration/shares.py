"""How much of a corpus a cut keeps, told from a sample: a share, and how far it may be
off.

Letters in shapes: D documents of the sample, C clusters.
"""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from nonplus.measure.records import Bools, Floats, Ints
from nonplus.measure.statistics.student import student_quantile

LEVEL = 0.95


@final
@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, and the ends of its interval at ``LEVEL``.

    It is ``None`` of nothing; the ends are where one cluster cannot show how clusters
    differ.
    """

    value: float | None
    low: float | None
    high: float | None

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}


def kept_share(kept_D: Bools, weight_D: Floats, clusters_D: Ints, *, sampled: float = 0.0) -> Share:
    """The share of the weight that is kept.

    ``clusters`` numbers the pieces that were drawn: the documents themselves, or the
    units that they stand in. ``sampled`` is the part of all documents that is in the
    sample, and at 1 there is nothing left to be uncertain of.

    A ratio of sums, with the variance of one over clusters; its interval is Wilson's,
    for as many documents as would vary so much (Korn and Graubard, *Survey Methodology*
    24, 1998). Where all or none are kept, these are Kish's effective number.
    """
    whole = float(weight_D.sum())
    if not whole:
        return Share(None, None, None)
    share = float(weight_D[kept_D].sum()) / whole
    residual_C = np.bincount(clusters_D, weights=weight_D * (kept_D - share)) / whole
    weight_C = np.bincount(clusters_D, weights=weight_D)
    clusters = int(np.count_nonzero(weight_C))
    if sampled >= 1:
        return Share(share, share, share)
    if clusters < 2:
        return Share(share, None, None)
    variance = float((residual_C**2).sum()) * clusters / (clusters - 1) * (1 - sampled)
    alike = share * (1 - share) / variance if variance > 0 else whole**2 / float((weight_C**2).sum())
    squares_C = residual_C**2 if variance > 0 else weight_C**2
    degrees = max(1.0, float(squares_C.sum() ** 2 / (squares_C**2).sum()) - 1)
    return Share(share, *_wilson(share, alike, student_quantile((1 + LEVEL) / 2, degrees)))


def _wilson(share: float, number: float, times: float) -> tuple[float, float]:
    """Wilson's interval (1927) of a share of so many."""
    slack = times**2 / number
    centre = (share + slack / 2) / (1 + slack)
    half = times / (1 + slack) * math.sqrt(share * (1 - share) / number + slack / (4 * number))
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))
