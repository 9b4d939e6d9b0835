"""Numbers as people and programs read them: the one place where figures are rounded."""

import math
from dataclasses import asdict
from typing import Any, Protocol

from nonplus.measure.statistics.intervals import Interval
from nonplus.measure.statistics.tally import Tally


def jsonable(value: Any) -> Any:
    """``value`` as JSON can hold it: an infinite number becomes a string, because JSON has none, and NaN nothing."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else "Infinity"


def figure(value: float | None, digits: int = 4) -> str:
    """A number as people read it: so many significant digits, never in powers of ten below a billion."""
    if value is None:
        return "-"
    if math.isinf(value):
        return "infinite"
    if value >= 1e9:
        return f"{value:.{digits - 1}e}"
    before = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:,.{max(digits - before, 0)}f}"


def with_interval(said: str, interval: Interval | None) -> str:
    """A figure with its interval behind it."""
    return said if interval is None else f"{said}  [{figure(interval.low)}, {figure(interval.high)}]"


class Measured(Protocol):
    """What has an interval and the figures that explain it."""

    @property
    def tally(self) -> Tally:
        """What was scored."""
        ...

    @property
    def interval(self) -> Interval | None:
        """Interval of the perplexity."""
        ...

    @property
    def independent(self) -> Interval | None:
        """The interval that takes tokens as independent."""
        ...

    @property
    def design_effect(self) -> float | None:
        """Variance of the clustered mean / variance if tokens were independent."""
        ...


def explained(report: Measured) -> str:
    """How the interval was found, in a sentence."""
    interval, independent = report.interval, report.independent
    if interval is None:
        return "none: too little was scored" if not report.tally.zeros else "none: a token is impossible"
    few = "only " if interval.method.startswith("few ") else ""
    said = f"{interval.level:.0%}, from {few}{interval.clusters:,} {interval.method.removeprefix('few ')}"
    if interval.method == "tokens":
        return f"{said} as if independent: too little text for an honest one, the true one is wider"
    if independent is not None and report.design_effect is not None:
        low, high = figure(independent.low), figure(independent.high)
        said += f"; tokens as if independent: [{low}, {high}], design effect {figure(report.design_effect, 2)}"
    return said


def interval_dict(interval: Interval | None, scale: float = 1.0) -> dict[str, Any] | None:
    """An interval for JSON, in units of 1 / ``scale``."""
    if interval is None:
        return None
    scaled = {key: getattr(interval, key) * scale for key in ("low", "high", "standard_error")}
    return {key: jsonable(value) for key, value in (asdict(interval) | scaled).items()}
