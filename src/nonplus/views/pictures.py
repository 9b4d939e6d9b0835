"""A histogram before and after a cut as a PNG, of the whole and of its largest parts.

Letters in shapes: B bins.
"""

import io
import warnings
from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nonplus.measure.records import Ints

_KEPT, _GONE, _INK, _QUIET = "#3f7a8c", "#e9a06b", "#1b1d22", "#5f6169"  # those of the pages
_COLUMNS, _MOST = 4, 8  # small pictures in a row, and of them at all
_INCHES, _LARGE, _SMALL, _DOTS = 9.0, 3.6, 1.3, 150
_SHOWN = 0.9995  # of the documents; an axis to the very last one would show little else


def histogram_png(
    before_B: Ints,
    after_B: Ints,
    *,
    width: float,
    title: str,
    unit: str,
    cuts: Sequence[float] = (),
    parts: Iterable[tuple[str, Ints, Ints]] = (),
) -> bytes:
    """Bins of ``width``, dropped documents on top of those that are kept; ``parts`` are
    names with their own bins.
    """
    small = list(parts)[:_MOST]
    rows = -(-len(small) // _COLUMNS)
    figure = Figure(figsize=(_INCHES, _LARGE + rows * _SMALL), dpi=_DOTS, layout="constrained")
    grid = figure.add_gridspec(1 + rows, _COLUMNS, height_ratios=[_LARGE, *[_SMALL] * rows])
    limits = _limits(before_B, width)
    large = figure.add_subplot(grid[0, :])
    _draw(large, before_B, after_B, width, limits)
    large.set_title(title, loc="left", color=_INK, fontsize=12, fontweight="bold")
    large.set_xlabel(unit, color=_QUIET)
    large.set_ylabel("documents", color=_QUIET)
    for cut in cuts:
        large.axvline(cut, color=_INK, linestyle="--", linewidth=1)
        large.annotate(f" {cut:.2f}", (cut, 1), xycoords=("data", "axes fraction"), va="top", color=_INK, fontsize=9)
    large.legend(frameon=False, labelcolor=_QUIET)
    for place, (name, before, after) in enumerate(small):
        axes = figure.add_subplot(grid[1 + place // _COLUMNS, place % _COLUMNS])
        _draw(axes, before, after, width, limits)
        axes.set_yticks([])
        axes.set_title(_short(name), loc="left", color=_INK, fontsize=8)
        for cut in cuts:
            axes.axvline(cut, color=_INK, linestyle="--", linewidth=0.6)
    content = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks shows as boxes, as in other programs.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.savefig(content, format="png")
    return content.getvalue()


def _draw(axes: Axes, before_B: Ints, after_B: Ints, width: float, limits: tuple[float, float]) -> None:
    left_B = np.arange(len(before_B)) * width
    wide = 0.92 * width
    axes.bar(left_B, after_B, wide, align="edge", color=_KEPT, label="kept")
    axes.bar(left_B, before_B - after_B, wide, after_B, align="edge", color=_GONE, label="dropped")
    axes.set_xlim(*limits)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(colors=_QUIET, labelsize=8)


def _limits(before_B: Ints, width: float) -> tuple[float, float]:
    """From the first bin with anything in it to that which holds nearly all."""
    reached_B = np.cumsum(before_B) / max(1, before_B.sum())
    first, last = int(np.searchsorted(reached_B, 0, side="right")), int(np.searchsorted(reached_B, _SHOWN))
    return max(0, first - 1) * width, (last + 2) * width


def _short(name: str) -> str:
    # matplotlib would read what stands between dollars as a formula
    plain = name.replace("$", r"\$")
    return plain if len(plain) <= 32 else f"…{plain[-31:]}"
