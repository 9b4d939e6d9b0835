"""Where a sample of documents has outliers: a bound above, and a guard below.

Each bound is told from the other half of the documents, which what it is to remove is
not in: so it stays where it is, however bad the bad ones are, while fewer than a
quarter of the documents are to go on that side. It lies 3.5 standard deviations from
the median, if the half is taken for one of a normal curve (the cut-off that Iglewicz
and Hoaglin, *How to Detect and Handle Outliers*, 1993, recommend).

Letters in shapes: D documents.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.measure.records import Floats

DEVIATIONS = 3.5
TRUSTED = 0.95  # the quantile of trusted documents that the bound above is at
REPEATS = 0.5  # the share of a text above which it repeats itself
FEWEST = 100  # documents; below, nothing is recommended
_LEAST_SPREAD = 0.005  # bits per byte; documents that differ by less are alike
_NORMAL_QUARTILE = 0.6745  # standard deviations from the median to a quartile


@final
@dataclass(frozen=True, slots=True)
class Bounds:
    """What may stay: bits per byte from ``low`` to ``high``, and at most a share of
    ``repetition`` of a text that occurs earlier in it; each ``None`` if open.

    ``why`` has the reasons in words.
    """

    low: float | None
    high: float | None
    repetition: float | None
    why: tuple[str, ...]


def recommended(bits_D: Floats, repeated_D: Floats, trusted_D: Floats | None = None) -> Bounds:
    """The bounds for documents of these bits per byte, rounded to hundredths, of each
    of which a share is ``repeated``.

    With ``trusted``, the bound above is their quantile ``TRUSTED``, and the guard below
    is told from them.
    """
    body_D = bits_D if trusted_D is None else trusted_D
    high, why_high = _above(bits_D) if trusted_D is None else _of_trusted(trusted_D)
    low, why_low = _below(bits_D, body_D)
    repetition, why_repetition = _repeated(repeated_D)
    return Bounds(low, high, repetition, (why_high, why_low, why_repetition))


def _above(bits_D: Floats) -> tuple[float | None, str]:
    quarter, middle, _ = _quartiles(bits_D)
    fence = round(middle + DEVIATIONS * (middle - quarter) / _NORMAL_QUARTILE, 2)
    beyond = float((bits_D > fence).mean())
    if not beyond or middle - quarter < _LEAST_SPREAD:
        return None, (
            f"Above, nothing stands out: no document of the sample has more than {fence:.2f} bits per byte, which is "
            f"{DEVIATIONS} standard deviations over the median of {middle:.2f}, as the lower half of the documents "
            "varies. So there is no bound above; give trusted files to have one."
        )
    return fence, (
        f"Above {fence:.2f} bits per byte lie {beyond:.1%} of the documents. That is {DEVIATIONS} standard deviations "
        f"over the median of {middle:.2f}, as the lower half of the documents varies: were they all alike, it would be "
        "1 in 4,000."
    )


def _of_trusted(trusted_D: Floats) -> tuple[float, str]:
    bound = round(float(np.quantile(trusted_D, TRUSTED, method="inverted_cdf")), 2)
    return bound, (
        f"{TRUSTED:.0%} of the {len(trusted_D):,} trusted documents have at most {bound:.2f} bits per byte. So of "
        f"documents as good as these the bound drops 1 in {1 / (1 - TRUSTED):.0f}."
    )


def _below(bits_D: Floats, body_D: Floats) -> tuple[float | None, str]:
    _, middle, quarter = _quartiles(body_D)
    fence = round(middle - DEVIATIONS * (quarter - middle) / _NORMAL_QUARTILE, 2)
    beyond = float((bits_D < fence).mean())
    if fence <= 0 or not beyond or quarter - middle < _LEAST_SPREAD:
        return None, ("Below, nothing stands out, so there is no guard against text that is too easy to predict.")
    return fence, (
        f"Below {fence:.2f} bits per byte lie {beyond:.1%} of the documents, {DEVIATIONS} standard deviations under "
        f"the median of {middle:.2f}, as the upper half varies. Text so easy to predict is usually boilerplate or "
        "repetition."
    )


def _repeated(repeated_D: Floats) -> tuple[float | None, str]:
    beyond = float((repeated_D > REPEATS).mean())
    if not beyond:
        return None, "No document of the sample repeats more than half of itself."
    return REPEATS, (
        f"{beyond:.1%} of the documents repeat more than half of themselves, which their perplexity does not show: an "
        "n-gram model finds a sentence as surprising the tenth time as the first. This guard is for all languages."
    )


def _quartiles(bits_D: Floats) -> tuple[float, float, float]:
    """Documents of the sample, so that an infinite one spoils no other."""
    low, middle, high = np.quantile(bits_D, [0.25, 0.5, 0.75], method="inverted_cdf")
    return float(low), float(middle), float(high)
