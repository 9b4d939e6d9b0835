"""How far the figures of a report may be off."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, final

from nonplus.measure.formatting import figure, jsonable
from nonplus.measure.statistics.intervals import (
    Interval,
    byte_interval,
    design_effect,
    exponential,
    independent_interval,
    obstacle,
    scaled,
    spread_within,
    token_interval,
)
from nonplus.measure.statistics.tally import Tally


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertainty:
    """The intervals of a report, each ``None`` if it does not exist.

    ``interval``, ``spread_within_text`` and ``independent`` are of the perplexity;
    ``no_interval`` says why there is no ``interval``, and is empty if there is one.
    """

    interval: Interval | None
    no_interval: str
    spread_within_text: Interval | None
    interval_bits_per_byte: Interval | None
    independent: Interval | None
    design_effect: float | None

    @classmethod
    def of(cls, tally: Tally, *, average: Literal["tokens", "texts"], level: float) -> Self:
        """That of ``tally``, whose perplexity is a mean over ``average``."""
        of_tokens, level = average == "tokens", float(level)  # JSON takes no numbers of NumPy
        mean = token_interval(tally, level=level) if of_tokens else None
        independent = independent_interval(tally, level=level) if of_tokens else None
        per_byte = byte_interval(tally, level=level)
        return cls(
            interval=_exponential(mean),
            no_interval=obstacle(tally, average=average),
            spread_within_text=_exponential(spread_within(tally, level=level)) if of_tokens else None,
            interval_bits_per_byte=None if per_byte is None else scaled(per_byte, 1 / math.log(2)),
            independent=_exponential(independent),
            design_effect=design_effect(mean, independent),
        )

    @property
    def caption(self) -> str:
        """The interval in words; where there is none the reason, and the spread within
        the text if that is known.
        """
        if self.interval is None:
            return "; ".join([f"no interval: {self.no_interval}", *self._spread()])
        return f"{self.interval.level:.0%} interval {figure(self.interval.low)} to {figure(self.interval.high)}"

    @property
    def line(self) -> str:
        """How the interval was found, or why there is none."""
        if self.interval is None:
            return "; ".join([f"none: {self.no_interval}", *self._spread()])
        text = f"{self.interval.level:.0%}, from {self.interval.clusters:,} {self.interval.method}"
        if self.independent is None or self.design_effect is None:
            return text
        effect = figure(self.design_effect, 2)
        return f"{text}; tokens as if independent: {bracketed(self.independent)}, design effect {effect}"

    def to_dict(self) -> dict[str, Any]:
        """All of it for JSON."""
        return {
            "interval": interval_dict(self.interval),
            "no_interval": self.no_interval or None,
            "spread_within_text": interval_dict(self.spread_within_text),
            "interval_bits_per_byte": interval_dict(self.interval_bits_per_byte),
            "interval_if_tokens_were_independent": interval_dict(self.independent),
            "design_effect": self.design_effect,
        }

    def _spread(self) -> Iterator[str]:
        spread = self.spread_within_text
        if spread is not None:
            yield f"spread within this text, from {spread.clusters} stretches of it: {bracketed(spread)}"


def bracketed(interval: Interval) -> str:
    """The ends of an interval: ``[71.30, 120.7]``."""
    return f"[{figure(interval.low)}, {figure(interval.high)}]"


def with_interval(text: str, interval: Interval | None) -> str:
    """A figure followed by its interval."""
    return text if interval is None else f"{text}  {bracketed(interval)}"


def interval_dict(interval: Interval | None) -> dict[str, Any] | None:
    """An interval for JSON."""
    return None if interval is None else {key: jsonable(value) for key, value in asdict(interval).items()}


def _exponential(interval: Interval | None) -> Interval | None:
    return None if interval is None else exponential(interval)
