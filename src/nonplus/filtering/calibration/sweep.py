"""What each of several bounds would keep: documents, tokens and bytes.

Letters in shapes: D documents, U units (documents, tokens, bytes).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from nonplus.filtering.calibration.shares import Share, kept_share
from nonplus.filtering.strata.strata import UNITS
from nonplus.measure.records import Bools, Floats, Ints

Side = Literal["at most", "at least"]

# Quantiles of the documents at which a bound is tried.
AT_MOST = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
AT_LEAST = (0.01, 0.02, 0.05, 0.1)


@final
@dataclass(frozen=True, slots=True)
class Step:
    """One bound, in bits per byte, and the shares of ``UNITS`` that it keeps."""

    side: Side
    bound: float
    kept: tuple[Share, ...]

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        shares = {unit: share.as_dict() for unit, share in zip(UNITS, self.kept, strict=True)}
        return {"side": self.side, "bits_per_byte": self.bound, **shares}


def swept(
    bits_D: Floats,
    amounts_DU: Ints,
    clusters_D: Ints,
    *,
    sampled: float,
    also: Sequence[tuple[Side, float]] = (),
) -> Iterator[Step]:
    """The steps by their bound, those of one side after those of the other.

    The bounds are quantiles of the documents, rounded up to hundredths, and ``also``
    others.
    """
    sides: tuple[tuple[Side, tuple[float, ...]], ...] = (("at most", AT_MOST), ("at least", AT_LEAST))
    for side, places in sides:
        found = {round(float(bound), 2) for bound in np.quantile(bits_D, places, method="inverted_cdf")}
        found |= {bound for where, bound in also if where == side}
        for bound in sorted(each for each in found if np.isfinite(each)):
            kept_D = bits_D <= bound if side == "at most" else bits_D >= bound
            yield Step(side, bound, shares_of(kept_D, amounts_DU, clusters_D, sampled=sampled))


def shares_of(kept_D: Bools, amounts_DU: Ints, clusters_D: Ints, *, sampled: float) -> tuple[Share, ...]:
    """The share of each unit that is kept."""
    return tuple(kept_share(kept_D, weight_D, clusters_D, sampled=sampled) for weight_D in amounts_DU.T.astype(float))
