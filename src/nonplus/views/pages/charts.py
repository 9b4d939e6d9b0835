"""Pictures of shares and counts as SVG, in the colours of the page.

An SVG has no text: what a picture says stands in words beside it, in a label for those
who do not see it, or in the axis below, which is HTML and so is readable on a phone.

Letters in shapes: B bins.
"""

import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Ints
from nonplus.views.pages import Html, element, joined

_HEIGHT = 100.0
_UNIT = 10  # of the picture, for a bin
_MOST_STEPS = 7  # between the labels of an axis
_ROUNDING = 1e-9


@final
class Axis:
    """The bins that are shown, between whole numbers, and where a value lies."""

    def __init__(self, counts_B: Ints, *, width: float) -> None:
        """The bins with anything in them; ``width`` is what a bin is wide."""
        filled = np.flatnonzero(counts_B)
        first, last = (int(filled[0]), int(filled[-1])) if len(filled) else (0, 0)
        self._width = width
        self._least = math.floor(first * width + _ROUNDING)
        units = max(1, math.ceil((last + 1) * width - _ROUNDING) - self._least)
        self._step = math.ceil(units / _MOST_STEPS)
        self._steps = math.ceil(units / self._step)
        self.first = round(self._least / width)
        self.bins = round(self._steps * self._step / width)

    def shown(self, counts_B: Ints) -> Ints:
        """The counts of the bins that are shown."""
        counts = counts_B[self.first : self.first + self.bins]
        return np.pad(counts, (0, self.bins - len(counts)))

    def at(self, value: float) -> float:
        """Where a value lies in the picture."""
        return min(max(0.0, value / self._width - self.first), self.bins) * _UNIT

    def labels(self) -> list[str]:
        """Values at equal distances, from the first to the last."""
        return [f"{self._least + self._step * place:g}" for place in range(self._steps + 1)]


def histogram(before_B: Ints, after_B: Ints, axis: Axis, *, label: str, cuts: Sequence[float] = ()) -> Html:
    """Documents by bin: those that are kept, and on top of them those that are not."""
    before, after = axis.shown(before_B), axis.shown(after_B)
    height = _HEIGHT / max(1, int(before.max(initial=0)))
    bars = joined(_bars(before * height, "gone"), _bars(after * height, "kept"))
    lines = [_line(axis.at(cut)) for cut in cuts]
    return element(
        "svg", bars, *lines, viewBox=f"0 0 {axis.bins * _UNIT} {_HEIGHT:g}", preserveAspectRatio="none",
        role="img", aria_label=label,
    )  # fmt: skip


def scale(axis: Axis, unit: str) -> Html:
    """The axis below a histogram."""
    labels = [element("span", label) for label in axis.labels()]
    return joined(element("div", *labels, class_="axis", aria_hidden="true"), element("p", unit, class_="unit"))


def bar(share: float, *, low: float | None = None, high: float | None = None, label: str = "") -> Html:
    """A share of 1, with the interval that it may be in."""
    parts = [_rect(0, 2, 100, 6, "empty"), _rect(0, 2, 100 * share, 6, "kept")]
    if low is not None and high is not None:
        parts.append(_rect(100 * low, 4, max(0.5, 100 * (high - low)), 2, "range"))
    return _small(parts, label)


def change(before: float, after: float, *, most: float, label: str = "") -> Html:
    """A share before and after, where ``most`` is the widest that is drawn."""
    one, other = (100 * value / max(most, 1e-9) for value in (before, after))
    kind = "less" if other < one else "more"
    dots = Html(
        f'<circle cx="{min(max(one, 3), 97):.2f}" cy="5" r="2.6" class="was"/>'
        f'<circle cx="{min(max(other, 3), 97):.2f}" cy="5" r="2.6" class="{kind}"/>'
    )
    way = _rect(min(one, other), 4.25, abs(one - other), 1.5, kind)
    return _small([_rect(0, 4.75, 100, 0.5, "empty"), way, dots], label)


def _small(parts: Sequence[Html], label: str) -> Html:
    return element("svg", *parts, viewBox="0 0 100 10", class_="small", role="img", aria_label=label)


def _bars(heights_B: NDArray[np.floating[Any]], kind: str) -> Html:
    """One path: a rectangle for each bin that is not empty, at least one unit high."""
    steps = [
        f"M{place * _UNIT + 0.5} {_HEIGHT:g}V{_HEIGHT - min(max(1.0, height), _HEIGHT):.2f}h{_UNIT - 1}V{_HEIGHT:g}"
        for place, height in enumerate(heights_B.tolist())
        if height
    ]
    return Html(f'<path d="{"".join(steps)}" class="{kind}"/>')


def _line(at: float) -> Html:
    return Html(f'<path d="M{at:.2f} 0V{_HEIGHT:g}" class="cut"/>')


def _rect(x: float, y: float, width: float, height: float, kind: str) -> Html:
    wide = max(0.0, width)
    return Html(f'<rect x="{x:.2f}" y="{y:g}" width="{wide:.2f}" height="{height:g}" rx="1" class="{kind}"/>')
