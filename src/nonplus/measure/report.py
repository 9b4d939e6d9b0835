"""The result of a measurement: its figures with unit, interval and protocol."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, final

from nonplus.measure.cautions import loser, text_cautions
from nonplus.measure.counts import count_lines, count_phrases, counts
from nonplus.measure.formatting import counted, figure, html_table, jsonable, timed
from nonplus.measure.interfaces import Quantity, StatedProtocol
from nonplus.measure.statistics.by_position import PositionSums
from nonplus.measure.statistics.fixed_point import exp, unfixed
from nonplus.measure.statistics.intervals import Interval
from nonplus.measure.statistics.sums import counted_tokens, log_perplexity, nats_per, total_nats
from nonplus.measure.statistics.tally import Tally
from nonplus.measure.uncertainty import Uncertainty, interval_dict, with_interval
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
    def quantity(self) -> Quantity:
        """What ``perplexity`` is; only equal quantities compare."""
        return self.protocol.quantity

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
    def perplexity_without_unknown(self) -> float | None:
        """Perplexity per token that is not unknown; ``None`` if all or none are.

        Models with different vocabularies cannot be compared by it either: each leaves
        out other text.
        """
        rest = self.tally.tokens - self.tally.unknown_weight
        if not self.tally.unknown_weight or not rest or self.protocol.average == "texts":
            return None
        zeros = self.tally.zeros > self.tally.unknown_zeros
        return math.inf if zeros else exp((self.tally.nats - self.tally.unknown_nats) / rest)

    @property
    def mean_match_length(self) -> float | None:
        """Tokens of the longest n-gram found for a token, on average; ``None`` where
        the model is not one of n-grams.
        """
        return self.tally.match_lengths / self.tally.matched if self.tally.matched else None

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
    def uncertainty(self) -> Uncertainty:
        """All intervals, each of which has a name here too."""
        return Uncertainty.of(self.tally, average=self.protocol.average, level=self.level)

    @property
    def interval(self) -> Interval | None:
        """Interval of the perplexity from three documents on, for others like them."""
        return self.uncertainty.interval

    @property
    def no_interval(self) -> str:
        """Why there is no interval of the perplexity; empty if there is one."""
        return self.uncertainty.no_interval

    @property
    def spread_within_text(self) -> Interval | None:
        """Spread of the perplexity over stretches of one or two documents."""
        return self.uncertainty.spread_within_text

    @property
    def independent(self) -> Interval | None:
        """The interval if tokens were independent, for comparison: they are not."""
        return self.uncertainty.independent

    @property
    def interval_bits_per_byte(self) -> Interval | None:
        """Interval of bits per byte, from three documents on."""
        return self.uncertainty.interval_bits_per_byte

    @property
    def design_effect(self) -> float | None:
        """Variance of the clustered mean / variance if tokens were independent."""
        return self.uncertainty.design_effect

    @property
    def cautions(self) -> tuple[str, ...]:
        """Where the figures mislead under this protocol or on this text."""
        return (*self.protocol.cautions, *text_cautions(self.tally, self.lost, self.protocol))

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
        uncertainty = self.uncertainty
        if self.source:
            yield "read", self.source
        yield self.quantity, with_interval(figure(self.perplexity), uncertainty.interval)
        if self.perplexity_without_unknown is not None:
            yield "  known tokens", f"{figure(self.perplexity_without_unknown)} without the unknown ones"
        yield "bits per byte", figure(self.bits_per_byte)
        yield "bits per token", figure(self.bits_per_token)
        yield f"word {self.quantity}", figure(self.word_perplexity)
        yield "interval", uncertainty.line
        for name, domain in self.by_domain():
            yield f"  {name}", _domain_line(domain)
        yield from count_lines(self.tally)
        if self.mean_match_length is not None:
            yield "longest match", f"n-grams of {figure(self.mean_match_length, 3)} tokens, on average"
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
        found = _figures(self) | _counts(self) | self.uncertainty.to_dict() | _conditions(self)
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

    def _per(self, units: int, *, unknown: int, unit: float = 1.0) -> float | None:
        """Nats / ``unit`` for each of ``units``, which ``unknown`` tokens lack."""
        nats = nats_per(self.tally, units, unknown=unknown)
        return None if nats is None else nats / unit


def _figures(report: Report) -> dict[str, Any]:
    return {
        "perplexity": report.perplexity,
        "log_perplexity": report.log_perplexity,
        "perplexity_without_unknown": report.perplexity_without_unknown,
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
    return {
        "tokens": report.tokens,
        **counts(report.tally),
        "mean_match_length": report.mean_match_length,
        "lost_by_tokenizer": sorted(report.lost),
        "by_domain": {name: _domain(domain) for name, domain in report.by_domain()},
    }


def _domain(report: Report) -> dict[str, Any]:
    uncertainty = report.uncertainty
    found = {
        "perplexity": report.perplexity,
        "bits_per_byte": report.bits_per_byte,
        "interval": interval_dict(uncertainty.interval),
        "no_interval": uncertainty.no_interval or None,
        "tokens": report.tokens,
        "unknown_tokens": report.tally.unknown,
        "documents": report.tally.documents,
    }
    return {key: jsonable(value) for key, value in found.items()}


def _conditions(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = {
        "quantity": report.quantity,
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
    tally, log, uncertainty = report.tally, report.log_perplexity, report.uncertainty
    head = with_interval(f"{report.quantity} {figure(report.perplexity)}", uncertainty.interval)
    if report.perplexity == math.inf and log != math.inf:
        head += f" (e^{figure(log)})"
    if report.bits_per_byte is not None:
        head += f", {figure(report.bits_per_byte)} bits per byte"
    scored = f"{counted(tally.scored, 'token')} of {counted(tally.documents, 'document')}"
    stated = f"{report.protocol.signature}; fingerprint {report.protocol.fingerprint}"
    lost = [f"{loser(report.protocol)} loses {', '.join(sorted(report.lost))}"] if report.lost else []
    return "; ".join(
        [f"{head} over {scored} ({stated})", f"interval: {uncertainty.line}", *count_phrases(tally), *lost]
    )


def _domain_line(domain: Report) -> str:
    uncertainty = domain.uncertainty
    measured = f"{counted(domain.tally.scored, 'token')} of {counted(domain.tally.documents, 'document')}"
    perplexity = with_interval(figure(domain.perplexity), uncertainty.interval)
    line = f"{perplexity}, {figure(domain.bits_per_byte)} bits per byte, {measured}"
    return f"{line}; no interval: {uncertainty.no_interval}" if uncertainty.no_interval else line
