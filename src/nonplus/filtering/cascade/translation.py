"""From the bits per byte that one model gives a text to those that another would give.

Two models are not on one scale: an n-gram model has more bits per byte than a neural
one, and on some texts relatively more. So the figure of the one is taken for an
estimate of the other's: on a line, with an error that is measured, too. That error is
not the standard error of the figure. Both models read the same text, so its length
alone does not part them; how much they differ has to be seen on a sample.

Letters in shapes: D documents.
"""

import math
from dataclasses import dataclass
from typing import Self, final

import numpy as np

from nonplus.errors import BadInput
from nonplus.filtering.scoring.columns import ScoreColumns
from nonplus.measure.formatting import counted
from nonplus.measure.records import Floats

FEWEST = 50  # documents
_ROUNDS = 50  # it does not change any more after 20
_NU = 4.0  # degrees of freedom of Student's distribution: the tails that garbage has
_DIGITS = 6  # that are written to a file, and so are all that count


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """``intercept + slope * figure`` is what is expected of the second model, in bits
    per byte.

    Its error is ``sqrt(floor**2 + (times * standard error)**2)``: by ``floor`` the
    models differ however long a text is, and by ``times`` the standard error of the
    first figure beside that. It was found on so many ``documents``.
    """

    intercept: float
    slope: float
    floor: float
    times: float
    documents: int

    def expected(self, first: ScoreColumns) -> Floats:
        """The bits per byte that the second model is expected to give (D,)."""
        return np.maximum(self.intercept + self.slope * first.bits_per_byte, 0.0)

    def error(self, first: ScoreColumns) -> Floats:
        """How far they may be off (D,): what a standard error is for a mean."""
        return np.hypot(self.floor, self.times * standard_error(first))

    @classmethod
    def fitted(cls, first: ScoreColumns, second: ScoreColumns) -> Self:
        """The likeliest if the errors have Student's distribution with 4 degrees of
        freedom, so that a few documents far off count for little (Lange, Little and
        Taylor 1989). A document without a figure does not count.

        Raises:
            BadInput: fewer than 50 documents have figures, or the models contradict
                each other.
        """
        x_D, y_D, error_D = first.bits_per_byte, second.bits_per_byte, standard_error(first)
        known_D = np.isfinite(x_D) & np.isfinite(y_D) & np.isfinite(error_D)
        documents = int(known_D.sum())
        if documents < FEWEST:
            raise BadInput(
                f"{counted(documents, 'document')} of the sample can be scored by both models, and it takes {FEWEST} "
                "to see how these differ; give more text"
            )
        found = _line(x_D[known_D], y_D[known_D], error_D[known_D] ** 2)
        if found[1] <= 0:
            raise BadInput(
                f"the more bits per byte the first model gives, the fewer the second (slope {found[1]:.2f}), so the "
                "first cannot stand for it; give another model, or more text"
            )
        intercept, slope, floor, times = (float(f"{each:.{_DIGITS}g}") for each in found)
        return cls(intercept=intercept, slope=slope, floor=floor, times=times, documents=documents)


def standard_error(columns: ScoreColumns) -> Floats:
    """The standard error of the bits per byte of each document (D,), as ``error`` is
    that of its nats per token.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        error_D: Floats = columns.error * columns.tokens / columns.bytes / math.log(2)
    return error_D


def _line(x_D: Floats, y_D: Floats, squared_error_D: Floats) -> tuple[float, float, float, float]:
    """Intercept, slope, floor and times, by expectation and maximisation in turn."""
    slope, intercept = 1.0, float(np.median(y_D - x_D))
    floor, times = float(np.median((y_D - intercept - x_D) ** 2)), 0.0  # squared
    tiny = np.finfo(np.float64).tiny
    for _ in range(_ROUNDS):
        variance_D = np.maximum(floor + times * squared_error_D, tiny)
        weight_D = (_NU + 1) / (_NU + (y_D - intercept - slope * x_D) ** 2 / variance_D)
        near_D = weight_D / variance_D / np.max(1 / variance_D)
        x, y = np.average(x_D, weights=near_D), np.average(y_D, weights=near_D)
        spread = float(near_D @ (x_D - x) ** 2)
        slope = float(near_D @ ((x_D - x) * (y_D - y))) / spread if spread else 1.0
        intercept = float(y - slope * x)
        left_D = weight_D * (y_D - intercept - slope * x_D) ** 2
        floor, times = _parts(left_D, squared_error_D, (1 / variance_D / np.max(1 / variance_D)) ** 2)
    return intercept, slope, math.sqrt(floor), math.sqrt(times)


def _parts(variance_D: Floats, squared_error_D: Floats, weight_D: Floats) -> tuple[float, float]:
    """``floor + times * squared_error`` nearest to the variances, neither below 0."""
    n, s, ss = (float(weight_D @ squared_error_D**power) for power in (0, 1, 2))
    v, vs = float(weight_D @ variance_D), float(weight_D @ (variance_D * squared_error_D))
    if (determinant := n * ss - s * s) > 0:
        floor, times = (ss * v - s * vs) / determinant, (n * vs - s * v) / determinant
        if min(floor, times) >= 0:
            return floor, times
    # one of them is 0: what is left is v² / n, or vs² / ss less than without it
    return (v / n, 0.0) if not ss or v * v / n >= vs * vs / ss else (0.0, vs / ss)
