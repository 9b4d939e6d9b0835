"""Numbers for people and for JSON: the one place where figures are rounded."""

import html
import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from nonplus.measure.statistics.intervals import Interval


def jsonable(value: Any) -> Any:
    """``value`` as JSON can hold it: infinity as a string, NaN as null."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else "Infinity"


def figure(value: float | None, digits: int = 4) -> str:
    """A number with ``digits`` significant digits; no exponent below a billion."""
    if value is None:
        return "-"
    if math.isinf(value):
        return "infinite"
    if value >= 1e9:
        return f"{value:.{digits - 1}e}"
    before = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:,.{max(digits - before, 0)}f}"


def counted(number: int, noun: str) -> str:
    """A number of things: ``1 token``, ``1,200 tokens``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def located(places: Iterable[tuple[str, int]]) -> str:
    """Where tokens stand, each as its place in a document."""
    return ", ".join(f"token {place} of {document}" for document, place in places)


def html_table(rows: Iterable[tuple[str, str]]) -> str:
    """Names and values as a plain HTML table."""
    lines = [f"<tr><th scope='row'>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows]
    return "\n".join(["<table>", *lines, "</table>"])


def timed(seconds: float, tokens_per_second: float | None) -> str:
    """How long a run took and how fast it was."""
    return f"{seconds:.1f} s" if tokens_per_second is None else f"{seconds:.1f} s, {tokens_per_second:,.0f} tokens/s"


def with_interval(text: str, interval: Interval | None) -> str:
    """A figure followed by its interval."""
    return text if interval is None else f"{text}  [{figure(interval.low)}, {figure(interval.high)}]"


def within(interval: Interval | None, *, no_interval: str, spread: Interval | None) -> str:
    """An interval in words; where there is none the reason, and the spread within the
    text if that is known.
    """
    if interval is not None:
        return f"{interval.level:.0%} interval {figure(interval.low)} to {figure(interval.high)}"
    return "; ".join([f"no interval: {no_interval}", *_spread(spread)])


def explained(
    interval: Interval | None,
    *,
    no_interval: str,
    spread: Interval | None,
    independent: Interval | None,
    design_effect: float | None,
) -> str:
    """How an interval was found, or why there is none."""
    if interval is None:
        return "; ".join([f"none: {no_interval}", *_spread(spread)])
    text = f"{interval.level:.0%}, from {interval.clusters:,} {interval.method}"
    if independent is not None and design_effect is not None:
        low, high = figure(independent.low), figure(independent.high)
        text += f"; tokens as if independent: [{low}, {high}], design effect {figure(design_effect, 2)}"
    return text


def _spread(spread: Interval | None) -> list[str]:
    if spread is None:
        return []
    low, high = figure(spread.low), figure(spread.high)
    return [f"spread within this text, from {spread.clusters} stretches of it: [{low}, {high}]"]


def interval_dict(interval: Interval | None) -> dict[str, Any] | None:
    """An interval for JSON."""
    return None if interval is None else {key: jsonable(value) for key, value in asdict(interval).items()}
