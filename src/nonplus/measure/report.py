"""What a measurement says: every figure with its unit, its interval and its conditions. Rounding happens here only."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from nonplus.measure.formatting import explained, figure, interval_dict, jsonable, with_interval
from nonplus.measure.protocol.resolved import ResolvedProtocol
from nonplus.measure.statistics.by_position import PositionSums
from nonplus.measure.statistics.document_sums import DocumentSums
from nonplus.measure.statistics.fixed_point import exp, fixed, unfixed
from nonplus.measure.statistics.intervals import (
    Interval,
    byte_interval,
    design_effect,
    exponential,
    independent_interval,
    text_interval,
    token_interval,
)
from nonplus.measure.statistics.tally import Tally

_LN2 = math.log(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A measurement and its conditions.

    Units: ``nats`` and ``log_perplexity`` are natural; bits are nats / ln 2. A figure whose denominator is zero is
    ``None``; so are those per word, byte and character where a protocol books fewer tokens than it scores. An
    impossible token makes every mean infinite; ``tally.zero_places`` says where it stands. ``domains`` has the tallies
    of documents that name one.
    """

    tally: Tally
    rules: ResolvedProtocol
    model: str
    model_identity: str
    tokenizer_identity: str
    seconds: float
    level: float = 0.95
    positions: tuple[PositionSums, ...] = ()
    domains: tuple[tuple[str, Tally], ...] = ()
    interrupted: bool = False

    def __float__(self) -> float:
        """The perplexity."""
        return self.perplexity

    @property
    def nats(self) -> float:
        """Surprisal of all scored tokens together."""
        return math.inf if self.tally.zeros else unfixed(self.tally.nats)

    @property
    def tokens(self) -> int:
        """Scored tokens as the protocol books them; under an exact protocol, all that were scored."""
        return round(unfixed(self.tally.tokens))

    @property
    def log_perplexity(self) -> float:
        """Natural logarithm of the perplexity; finite even where the perplexity overflows."""
        if self.rules.protocol.average == "texts":
            return math.inf if math.isinf(self._mean_of_texts) else math.log(self._mean_of_texts)
        return self.nats / unfixed(self.tally.tokens) if self.tally.tokens else math.inf

    @property
    def perplexity(self) -> float:
        """Perplexity per token, averaged as the protocol says."""
        return self._mean_of_texts if self.rules.protocol.average == "texts" else exp(self.log_perplexity)

    @property
    def bits_per_token(self) -> float | None:
        """Mean surprisal of a token in bits."""
        return self._per(unfixed(self.tally.tokens), _LN2)

    @property
    def bits_per_byte(self) -> float | None:
        """Surprisal in bits for each byte of UTF-8: comparable between tokenizers."""
        return self._per_text(self.tally.bytes, _LN2)

    @property
    def bits_per_char(self) -> float | None:
        """Surprisal in bits for each character."""
        return self._per_text(self.tally.chars, _LN2)

    @property
    def word_perplexity(self) -> float | None:
        """Perplexity with surprisal divided by blank-separated words."""
        log = self._per_text(self.tally.words)
        return None if log is None else exp(log)

    @property
    def byte_perplexity(self) -> float | None:
        """Perplexity with surprisal divided by bytes."""
        log = self._per_text(self.tally.bytes)
        return None if log is None else exp(log)

    @property
    def interval(self) -> Interval | None:
        """Interval of the perplexity; ``standard_error`` stays that of the mean it comes from."""
        if self.rules.protocol.average == "texts":
            return text_interval(self.tally, level=self.level)
        return _exponential(token_interval(self.tally, level=self.level))

    @property
    def independent(self) -> Interval | None:
        """The interval that takes tokens as independent: too narrow, and printed to show it."""
        return _exponential(independent_interval(self.tally, level=self.level))

    @property
    def design_effect(self) -> float | None:
        """Variance of the clustered mean / variance if tokens were independent."""
        if self.rules.protocol.average == "texts":
            return None
        return design_effect(token_interval(self.tally), independent_interval(self.tally))

    @property
    def tokens_per_second(self) -> float:
        """Scored tokens for each second of the whole run, reading and tokenising included."""
        return self.tally.scored / self.seconds if self.seconds else math.inf

    def by_domain(self) -> Iterator[tuple[str, "Report"]]:
        """A report on each domain by itself, in alphabetical order."""
        for name, tally in self.domains:
            yield name, replace(self, tally=tally, domains=(), positions=())

    def as_dict(self) -> dict[str, Any]:
        """One JSON object with every figure unrounded; infinite ones are the string ``"Infinity"``."""
        figures = {
            "perplexity": self.perplexity,
            "log_perplexity": self.log_perplexity,
            "nats": self.nats,
            "tokens": self.tokens,
            "scored_tokens": self.tally.scored,
            "unscored_tokens": self.tally.unscored,
            "zero_probability_tokens": self.tally.zeros,
            "zero_probability_places": [list(place) for place in self.tally.zero_places],
            "bytes": self.tally.bytes,
            "words": self.tally.words,
            "chars": self.tally.chars,
            "bits_per_byte": self.bits_per_byte,
            "bits_per_char": self.bits_per_char,
            "bits_per_token": self.bits_per_token,
            "word_perplexity": self.word_perplexity,
            "byte_perplexity": self.byte_perplexity,
            "interval": interval_dict(self.interval),
            "interval_bits_per_byte": interval_dict(self._byte_interval, scale=1 / _LN2),
            "interval_if_tokens_were_independent": interval_dict(self.independent),
            "design_effect": self.design_effect,
            "documents": self.tally.documents,
            "by_domain": {name: _domain_dict(report) for name, report in self.by_domain()},
            "interrupted": self.interrupted,
            "protocol": asdict(self.rules.protocol) | {"prefix": list(self.rules.prefix), "dtype": self.rules.dtype},
            "signature": self.rules.signature,
            "fingerprint": self.rules.fingerprint,
            "cautions": list(self.rules.cautions),
            "model": self.model,
            "model_identity": self.model_identity,
            "tokenizer_identity": self.tokenizer_identity,
            "seconds": self.seconds,
            "tokens_per_second": self.tokens_per_second,
        }
        return {key: jsonable(value) for key, value in figures.items()}

    @property
    def _mean_of_texts(self) -> float:
        if self.tally.infinite_perplexities or not self.tally.texts:
            return math.inf
        return unfixed(self.tally.perplexities) / self.tally.texts

    def _per(self, denominator: float, unit: float = 1.0) -> float | None:
        return self.nats / denominator / unit if denominator else None

    def _per_text(self, denominator: int, unit: float = 1.0) -> float | None:
        booked_whole = self.tally.tokens == fixed(float(self.tally.scored))
        return self._per(denominator, unit) if booked_whole else None

    @property
    def _byte_interval(self) -> Interval | None:
        """Interval of nats per byte, where the bytes of its clusters are those of the figure."""
        interval = byte_interval(self.tally, level=self.level)
        other_bytes = self.rules.protocol.denominator != "scored" and interval and interval.method == "blocks"
        return None if other_bytes or self.bits_per_byte is None else interval


def _domain_dict(report: Report) -> dict[str, Any]:
    figures = {
        "perplexity": report.perplexity,
        "bits_per_byte": report.bits_per_byte,
        "interval": interval_dict(report.interval),
        "tokens": report.tokens,
        "documents": report.tally.documents,
    }
    return {key: jsonable(value) for key, value in figures.items()}


def document_dict(sums: DocumentSums) -> dict[str, Any]:
    """One document's line in a table of documents."""
    nats = math.inf if sums.zeros else sums.nats
    figures = {
        "id": sums.id,
        "domain": sums.domain,
        "perplexity": sums.perplexity if sums.tokens else None,
        "log_perplexity": sums.log_perplexity if sums.tokens else None,
        "nats": nats,
        "tokens": sums.tokens,
        "unscored_tokens": sums.unscored,
        "bytes": sums.bytes,
        "chars": sums.chars,
        "words": sums.words,
        "bits_per_byte": nats / sums.bytes / _LN2 if sums.bytes and sums.tokens == sums.scored else None,
        "partial": sums.partial,
    }
    return {key: jsonable(value) for key, value in figures.items()}


def lines(report: Report) -> Iterator[tuple[str, str]]:
    """The report as pairs of a name and what it says, for a table."""
    yield "perplexity", with_interval(figure(report.perplexity), report.interval)
    yield "bits per byte", figure(report.bits_per_byte)
    yield "bits per token", figure(report.bits_per_token)
    yield "word perplexity", figure(report.word_perplexity)
    yield "interval", explained(report)
    for name, domain in report.by_domain():
        said = with_interval(figure(domain.perplexity), domain.interval)
        yield f"  {name}", f"{said}, {figure(domain.bits_per_byte)} bits per byte"
    yield "scored", _scored(report)
    if report.tally.zeros:
        places = ", ".join(f"token {place} of {document}" for document, place in report.tally.zero_places)
        yield "impossible", f"{report.tally.zeros:,} tokens of probability zero: {places}"
    yield "model", f"{report.model} ({report.rules.dtype})"
    yield "protocol", report.rules.signature
    yield "fingerprint", report.rules.fingerprint
    yield "time", f"{report.seconds:.1f} s, {report.tokens_per_second:,.0f} tokens/s"


def _scored(report: Report) -> str:
    tally = report.tally
    parts = [(tally.scored, "token"), (tally.words, "word"), (tally.bytes, "byte")]
    said = f"{', '.join(_counted(*part) for part in parts)} of {_counted(tally.documents, 'document')}"
    return f"{said}; {_counted(tally.unscored, 'token')} not scored" if tally.unscored else said


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _exponential(interval: Interval | None) -> Interval | None:
    return None if interval is None else exponential(interval)
