"""The result of a measurement: its figures with unit, interval and protocol."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, final

from nonplus.measure.cautions import text_cautions
from nonplus.measure.formatting import (
    counted,
    explained,
    figure,
    html_table,
    interval_dict,
    jsonable,
    located,
    timed,
    with_interval,
)
from nonplus.measure.interfaces import StatedProtocol
from nonplus.measure.statistics.by_position import PositionSums
from nonplus.measure.statistics.fixed_point import exp, unfixed
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
from nonplus.measure.statistics.sums import counted_tokens, log_perplexity, nats_per, total_nats
from nonplus.measure.statistics.tally import Tally
from nonplus.optional import require

_LN2 = math.log(2)


@final
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report:
    """A measurement and the protocol it was made under.

    ``nats`` and ``log_perplexity`` are natural; bits are nats / ln 2. A figure that
    does not exist is ``None``: every mean where nothing was scored; those per byte,
    word and character unless every token counts exactly once and came with its bytes or
    words. A token of probability 0 makes every mean infinite; ``tally.zero_places`` has
    the first ones.

    ``domains`` has the tallies of documents that name a domain; ``lost`` names what the
    tokenizer loses of the text; ``source`` says what was read, if that is known.
    ``model``, ``dtype`` and the identities are empty where no model is known, as in a
    metric; ``seconds`` is ``None`` where nothing was timed. ``float()`` is the
    perplexity, ``print()`` shows a table as a notebook does, ``repr()`` is one line.
    """

    tally: Tally
    protocol: StatedProtocol
    model: str = ""
    model_identity: str = ""
    tokenizer_identity: str = ""
    dtype: str = ""
    seconds: float | None = None
    level: float = 0.95
    positions: tuple[PositionSums, ...] = ()
    domains: tuple[tuple[str, Tally], ...] = ()
    lost: frozenset[str] = frozenset()
    interrupted: bool = False
    source: str = ""

    def __float__(self) -> float:
        """The perplexity; NaN where there is none."""
        return math.nan if self.perplexity is None else self.perplexity

    def __str__(self) -> str:
        """The lines as a table."""
        rows = list(self.lines())
        width = max(len(name) for name, _ in rows) + 2
        return "\n".join(f"{name:{width}}{value}" for name, value in rows)

    def __repr__(self) -> str:
        """The perplexity, its interval and its protocol in one line."""
        return _summary(self)

    def _repr_html_(self) -> str:
        """The lines as a table, which a notebook shows."""
        return html_table(self.lines())

    @property
    def nats(self) -> float:
        """Surprisal of all scored tokens together."""
        return total_nats(self.tally)

    @property
    def tokens(self) -> float:
        """Scored tokens as the protocol counts them; an ``int`` if possible."""
        return counted_tokens(self.tally)

    @property
    def log_perplexity(self) -> float | None:
        """Natural logarithm of the perplexity; finite where that overflows."""
        if self.protocol.average == "tokens":
            return log_perplexity(self.tally)
        mean = self._mean_of_texts
        return math.log(mean) if mean is not None and math.isfinite(mean) else mean

    @property
    def perplexity(self) -> float | None:
        """Perplexity per token, averaged as the protocol states."""
        if self.protocol.average == "texts":
            return self._mean_of_texts
        log = log_perplexity(self.tally)
        return None if log is None else exp(log)

    @property
    def bits_per_token(self) -> float | None:
        """Mean surprisal of a token in bits."""
        log = log_perplexity(self.tally)
        return None if log is None else log / _LN2

    @property
    def bits_per_byte(self) -> float | None:
        """Surprisal in bits for each byte of UTF-8: comparable between tokenizers."""
        return self._per(self.tally.bytes, unknown=self.tally.unsized, unit=_LN2)

    @property
    def bits_per_char(self) -> float | None:
        """Surprisal in bits for each character."""
        return self._per(self.tally.chars, unknown=self.tally.unsized, unit=_LN2)

    @property
    def word_perplexity(self) -> float | None:
        """Perplexity with surprisal divided by blank-separated words."""
        log = self._per(self.tally.words, unknown=self.tally.unworded)
        return None if log is None else exp(log)

    @property
    def byte_perplexity(self) -> float | None:
        """Perplexity with surprisal divided by bytes."""
        log = self._per(self.tally.bytes, unknown=self.tally.unsized)
        return None if log is None else exp(log)

    @property
    def interval(self) -> Interval | None:
        """Interval of the perplexity from three documents on, for others like them."""
        return None if self.no_interval else _exponential(token_interval(self.tally, level=self.level))

    @property
    def no_interval(self) -> str:
        """Why there is no interval of the perplexity; empty if there is one."""
        return obstacle(self.tally, average=self.protocol.average)

    @property
    def spread_within_text(self) -> Interval | None:
        """Spread of the perplexity over stretches of one or two documents."""
        return self._of_tokens(spread_within(self.tally, level=self.level))

    @property
    def independent(self) -> Interval | None:
        """The interval if tokens were independent, for comparison: they are not."""
        return self._of_tokens(independent_interval(self.tally, level=self.level))

    @property
    def interval_bits_per_byte(self) -> Interval | None:
        """Interval of bits per byte, from three documents on."""
        interval = byte_interval(self.tally, level=self.level)
        return None if interval is None or self.bits_per_byte is None else scaled(interval, 1 / _LN2)

    @property
    def design_effect(self) -> float | None:
        """Variance of the clustered mean / variance if tokens were independent."""
        if self.no_interval:
            return None
        return design_effect(token_interval(self.tally), independent_interval(self.tally))

    @property
    def cautions(self) -> tuple[str, ...]:
        """Where the figures mislead under this protocol or on this text."""
        return (*self.protocol.cautions, *text_cautions(self.tally, self.lost))

    @property
    def tokens_per_second(self) -> float | None:
        """Scored tokens per second of the whole run, including reading."""
        return self.tally.scored / self.seconds if self.seconds else None

    def by_domain(self) -> Iterator[tuple[str, "Report"]]:
        """A report on each domain, in alphabetical order."""
        for name, tally in self.domains:
            yield name, replace(self, tally=tally, domains=(), positions=(), seconds=None, source="")

    def lines(self) -> Iterator[tuple[str, str]]:
        """The report as rows of a table: a name and its value as text."""
        if self.source:
            yield "read", self.source
        yield "perplexity", with_interval(figure(self.perplexity), self.interval)
        yield "bits per byte", figure(self.bits_per_byte)
        yield "bits per token", figure(self.bits_per_token)
        yield "word perplexity", figure(self.word_perplexity)
        yield "interval", _explained(self)
        for name, domain in self.by_domain():
            yield f"  {name}", _domain_line(domain)
        yield "scored", _scored(self.tally)
        if self.tally.zeros:
            yield "probability 0", f"{counted(self.tally.zeros, 'token')}: {located(self.tally.zero_places)}"
        if self.tally.nonfinite:
            yield "excluded", f"{counted(self.tally.nonfinite, 'token')}: {located(self.tally.nonfinite_places)}"
        if self.tally.unknown:
            yield "unknown", f"{counted(self.tally.unknown, 'token')}: {located(self.tally.unknown_places)}"
        if self.tally.spelled:
            spelled = f"{counted(self.tally.spelled, 'special token')} spelled out in the text"
            yield "special", f"{spelled}: {located(self.tally.spelled_places)}"
        if self.lost:
            yield "lost", f"{', '.join(sorted(self.lost))}: bits per byte is too low"
        if self.model:
            yield "model", f"{self.model} ({self.dtype})" if self.dtype else self.model
        yield "protocol", self.protocol.signature
        yield "fingerprint", f"{self.protocol.fingerprint}  figures compare only where this is equal"
        if self.seconds is not None:
            yield "time", timed(self.seconds, self.tokens_per_second)

    def to_dict(self) -> dict[str, Any]:
        """All figures unrounded, for JSON; infinity is the string ``"Infinity"``."""
        found = _figures(self) | _counts(self) | _uncertainty(self) | _conditions(self)
        return {key: jsonable(value) for key, value in found.items()}

    def frame(self) -> Any:
        """A ``pandas.DataFrame`` with a row for each figure: value, low and high.

        A figure that does not exist, or that has no interval, is NaN there.

        Raises:
            MissingExtra: pandas is not installed.
        """
        pandas = require("pandas", purpose="a table of figures")
        intervals = {"perplexity": self.interval, "bits_per_byte": self.interval_bits_per_byte}
        rows = [_row(value, intervals.get(name)) for name, value in _figures(self).items()]
        index = pandas.Index([*_figures(self)], name="figure")
        return pandas.DataFrame(rows, index=index, columns=["value", "low", "high"], dtype=float)

    @property
    def _mean_of_texts(self) -> float | None:
        if not self.tally.texts:
            return None
        return math.inf if self.tally.infinite_perplexities else unfixed(self.tally.perplexities) / self.tally.texts

    def _of_tokens(self, interval: Interval | None) -> Interval | None:
        """That of the perplexity, where this is a mean over tokens."""
        return None if self.protocol.average == "texts" else _exponential(interval)

    def _per(self, units: int, *, unknown: int, unit: float = 1.0) -> float | None:
        """Nats / ``unit`` for each of ``units``, which ``unknown`` tokens lack."""
        nats = nats_per(self.tally, units, unknown=unknown)
        return None if nats is None else nats / unit


def _figures(report: Report) -> dict[str, Any]:
    return {
        "perplexity": report.perplexity,
        "log_perplexity": report.log_perplexity,
        "nats": report.nats,
        "bits_per_byte": report.bits_per_byte,
        "bits_per_char": report.bits_per_char,
        "bits_per_token": report.bits_per_token,
        "word_perplexity": report.word_perplexity,
        "byte_perplexity": report.byte_perplexity,
    }


def _row(value: float | None, interval: Interval | None) -> tuple[float | None, float | None, float | None]:
    return (value, None, None) if interval is None else (value, interval.low, interval.high)


def _counts(report: Report) -> dict[str, Any]:
    tally = report.tally
    return {
        "tokens": report.tokens,
        "scored_tokens": tally.scored,
        "unscored_tokens": tally.unscored,
        "ignored_tokens": tally.ignored,
        "zero_probability_tokens": tally.zeros,
        "zero_probability_places": [list(place) for place in tally.zero_places],
        "nonfinite_tokens": tally.nonfinite,
        "nonfinite_places": [list(place) for place in tally.nonfinite_places],
        "unknown_tokens": tally.unknown,
        "unknown_places": [list(place) for place in tally.unknown_places],
        "spelled_special_tokens": tally.spelled,
        "spelled_special_places": [list(place) for place in tally.spelled_places],
        "lost_by_tokenizer": sorted(report.lost),
        "bytes": tally.bytes,
        "words": tally.words,
        "chars": tally.chars,
        "documents": tally.documents,
        "by_domain": {name: _domain(domain) for name, domain in report.by_domain()},
    }


def _domain(report: Report) -> dict[str, Any]:
    found = {
        "perplexity": report.perplexity,
        "bits_per_byte": report.bits_per_byte,
        "interval": interval_dict(report.interval),
        "no_interval": report.no_interval or None,
        "tokens": report.tokens,
        "unknown_tokens": report.tally.unknown,
        "documents": report.tally.documents,
    }
    return {key: jsonable(value) for key, value in found.items()}


def _uncertainty(report: Report) -> dict[str, Any]:
    return {
        "interval": interval_dict(report.interval),
        "no_interval": report.no_interval or None,
        "spread_within_text": interval_dict(report.spread_within_text),
        "interval_bits_per_byte": interval_dict(report.interval_bits_per_byte),
        "interval_if_tokens_were_independent": interval_dict(report.independent),
        "design_effect": report.design_effect,
    }


def _conditions(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = {
        "source": report.source,
        "interrupted": report.interrupted,
        "protocol": report.protocol.as_dict(),
        "signature": report.protocol.signature,
        "fingerprint": report.protocol.fingerprint,
        "cautions": list(report.cautions),
    }
    if report.model:
        found["model"] = report.model
        found["model_identity"] = report.model_identity
        found["tokenizer_identity"] = report.tokenizer_identity
    if report.seconds is not None:
        found["seconds"] = report.seconds
        found["tokens_per_second"] = report.tokens_per_second
    return found


def _summary(report: Report) -> str:
    tally, log = report.tally, report.log_perplexity
    head = with_interval(f"perplexity {figure(report.perplexity)}", report.interval)
    if report.perplexity == math.inf and log != math.inf:
        head += f" (e^{figure(log)})"
    if report.bits_per_byte is not None:
        head += f", {figure(report.bits_per_byte)} bits per byte"
    scored = f"{counted(tally.scored, 'token')} of {counted(tally.documents, 'document')}"
    stated = f"{report.protocol.signature}; fingerprint {report.protocol.fingerprint}"
    parts = [f"{head} over {scored} ({stated})", f"interval: {_explained(report)}"]
    if tally.zeros:
        parts.append(f"{counted(tally.zeros, 'token')} of probability 0{_first(tally.zero_places)}")
    if tally.nonfinite:
        parts.append(f"{counted(tally.nonfinite, 'token')} excluded as NaN{_first(tally.nonfinite_places)}")
    if tally.unknown:
        parts.append(f"{counted(tally.unknown, 'unknown token')}{_first(tally.unknown_places)}")
    if tally.spelled:
        parts.append(f"{counted(tally.spelled, 'special token')} spelled out{_first(tally.spelled_places)}")
    if report.lost:
        parts.append(f"the tokenizer loses {', '.join(sorted(report.lost))}")
    return "; ".join(parts)


def _first(places: tuple[tuple[str, int], ...]) -> str:
    """The first of them; nothing where only their number is known."""
    return f", first {located(places[:1])}" if places else ""


def _explained(report: Report) -> str:
    return explained(
        report.interval,
        no_interval=report.no_interval,
        spread=report.spread_within_text,
        independent=report.independent,
        design_effect=report.design_effect,
    )


def _domain_line(domain: Report) -> str:
    measured = f"{counted(domain.tally.scored, 'token')} of {counted(domain.tally.documents, 'document')}"
    perplexity = with_interval(figure(domain.perplexity), domain.interval)
    line = f"{perplexity}, {figure(domain.bits_per_byte)} bits per byte, {measured}"
    return f"{line}; no interval: {domain.no_interval}" if domain.no_interval else line


def _scored(tally: Tally) -> str:
    parts = [counted(tally.scored, "token")]
    parts += [counted(tally.words, "word")] if not tally.unworded else []
    parts += [counted(tally.bytes, "byte")] if not tally.unsized else []
    text = f"{', '.join(parts)} of {counted(tally.documents, 'document')}"
    text += f"; {counted(tally.unscored, 'token')} not scored" if tally.unscored else ""
    return f"{text}; {counted(tally.ignored, 'token')} ignored" if tally.ignored else text


def _exponential(interval: Interval | None) -> Interval | None:
    return None if interval is None else exponential(interval)
