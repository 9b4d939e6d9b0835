"""Numbers for people and for JSON: the one place where figures are rounded."""

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any


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


def first_and_others(files: Sequence[str]) -> str:
    """The first of some files, and how many others there are."""
    first, *others = files
    return f"{first} and {counted(len(others), 'other file')}" if others else first


def located(places: Iterable[tuple[str, int]]) -> str:
    """Where tokens stand, each as its place in a document."""
    return ", ".join(f"token {place} of {document}" for document, place in places)


def first_of(places: Sequence[tuple[str, int]]) -> str:
    """The first of them; nothing where only their number is known."""
    return f", the first {located(places[:1])}" if places else ""


def html_table(rows: Iterable[tuple[str, str]]) -> str:
    """Names and values as a plain HTML table."""
    lines = [f"<tr><th scope='row'>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows]
    return "\n".join(["<table>", *lines, "</table>"])


def timed(seconds: float, tokens_per_second: float | None) -> str:
    """How long a run took and how fast it was."""
    return f"{seconds:.1f} s" if tokens_per_second is None else f"{seconds:.1f} s, {tokens_per_second:,.0f} tokens/s"


def percent(share: float | None) -> str:
    """A share for people: exact at its ends, one decimal between them."""
    if share is None:
        return "-"
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return f"{share:.1%}"


def points(before: float, after: float) -> str:
    """A change of a share in percentage points."""
    moved = 100 * (after - before)
    return f"{moved:+.1f}".replace("-", "−") if abs(moved) >= 0.05 else "0.0"


def sized(number: float) -> str:
    """Bytes in the unit that suits them."""
    if number < 999.5:
        return f"{number:.0f} bytes"
    units = ("kB", "MB", "GB", "TB")
    at = next((at for at in range(len(units)) if number < 999.5 * 1000.0 ** (at + 1)), len(units) - 1)
    return f"{figure(number / 1000.0 ** (at + 1), 3)} {units[at]}"


def lasting(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 1:
        return "<1 s"
    for limit, unit, each in ((90, "s", 1), (5400, "min", 60), (172_800, "h", 3600)):
        if seconds < limit:
            return f"{figure(seconds / each, 2)} {unit}"
    return f"{figure(seconds / 86_400, 2)} days"
