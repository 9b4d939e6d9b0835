"""How far the figure may be off: intervals of a ratio of sums, clustered by what was
drawn together.

Tokens of one document resemble each other, so an error bar that takes them as
independent is several times too small. The cluster is the document; where a few
documents make up most of the text, stretches of bytes inside these. The variance is
that of a ratio estimator (Cochran, *Sampling Techniques*, ch. 6), because both the nats
and the tokens of a cluster vary.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from nonplus.measure.records import Floats
from nonplus.measure.statistics.document_sums import DocumentSums
from nonplus.measure.statistics.fixed_point import exp, unfixed
from nonplus.measure.statistics.tally import Tally

_ENOUGH = 20  # documents of equal size, or what comes to the same, that serve as clusters
_FEWEST = 8  # blocks that still give a spread worth printing


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval of a mean surprisal in nats per unit, and how it was found.

    ``clusters`` independent pieces give ``standard_error``; the half-width is that
    times Student's quantile. ``method`` says what the pieces are: ``documents``, ``few
    documents``, ``blocks`` of bytes, or ``tokens``.
    """

    low: float
    high: float
    level: float
    standard_error: float
    clusters: int
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moments:
    """Over clusters: sums of y (nats) and n (units), and the sum of squares of ``y -
    ratio * n``.
    """

    clusters: int
    y: float
    n: float
    residual: float


def ratio_standard_error(y: Floats, n: Floats) -> float:
    """Standard error of ``sum(y) / sum(n)`` over independent clusters, shapes (G,)."""
    return _standard_error(_moments(y, n))


def token_interval(tally: Tally, *, level: float = 0.95) -> Interval | None:
    """Interval of nats per token; ``None`` without tokens or with probability 0.

    With an effective number of at least 20 documents, documents are the clusters. With
    fewer, the largest are cut into blocks of bytes, never so wide that fewer than eight
    remain. Where no blocks are known, an effective number of eight documents will do
    (``few documents``). With less than that, tokens are treated as independent, and
    ``method`` says so.
    """
    if not tally.tokens or tally.zeros:
        return None
    documents = _document_moments(tally, tally.tokens, tally.nats_tokens, tally.tokens_tokens, unit=1 << 40)
    if enough_documents(tally):
        return _interval(documents, method="documents", level=level)
    spread = widest(_block_moments(tally, documents, "tokens"))
    if spread is not None:
        return _interval(spread, method="blocks", level=level)
    if _some_documents(tally):
        return _interval(documents, method="few documents", level=level)
    return independent_interval(tally, level=level)


def byte_interval(tally: Tally, *, level: float = 0.95) -> Interval | None:
    """Interval of nats per byte, clustered like :func:`token_interval`; ``None`` where
    no such cluster exists.
    """
    if not tally.bytes or tally.zeros or not tally.tokens:
        return None
    documents = _document_moments(tally, tally.bytes, tally.nats_bytes, tally.bytes_bytes, unit=1)
    if enough_documents(tally):
        return _interval(documents, method="documents", level=level)
    spread = widest(_block_moments(tally, documents, "bytes"))
    if spread is not None:
        return _interval(spread, method="blocks", level=level)
    return _interval(documents, method="few documents", level=level) if _some_documents(tally) else None


def enough_documents(tally: Tally) -> bool:
    """Whether documents can be the clusters: they count for twenty of equal size
    (Kish's effective number).
    """
    return tally.tokens**2 >= _ENOUGH * tally.tokens_tokens > 0


def _some_documents(tally: Tally) -> bool:
    return tally.tokens**2 >= _FEWEST * tally.tokens_tokens > 0


def text_interval(tally: Tally, *, level: float = 0.95) -> Interval | None:
    """Interval of the mean of the texts' perplexities (not of a surprisal), texts being
    independent; or ``None``.
    """
    if tally.texts < _FEWEST or tally.infinite_perplexities:
        return None
    mean = unfixed(tally.perplexities) / tally.texts
    try:
        square = (tally.perplexities_perplexities * tally.texts - tally.perplexities**2) / ((tally.texts**2) << 80)
    except OverflowError:
        return None  # texts so improbable that no float holds their spread
    error = math.sqrt(square / (tally.texts - 1))
    return _around(mean, error, clusters=tally.texts, method="documents", level=level)


def independent_interval(tally: Tally, *, level: float = 0.95) -> Interval | None:
    """The interval if tokens were independent of each other, which they are not: shown
    for comparison only.
    """
    if tally.scored < _FEWEST or tally.zeros or not tally.tokens:
        return None
    n = unfixed(tally.tokens)
    mean = unfixed(tally.nats) / n
    spread = unfixed(tally.squares) / n - mean * mean
    variance = math.inf if math.isnan(spread) else max(0.0, spread)
    error = math.sqrt(variance / (tally.scored - 1))
    return _around(mean, error, clusters=tally.scored, method="tokens", level=level)


def bootstrap_interval(
    documents: Sequence[DocumentSums], *, resamples: int, seed: int = 0, level: float = 0.95
) -> Interval:
    """Interval of nats per token from documents drawn again with replacement
    (percentile bootstrap).
    """
    y = np.array([d.nats for d in documents])
    n = np.array([d.tokens for d in documents])
    random = np.random.default_rng(seed)
    means = np.empty(resamples)
    for i in range(resamples):
        times = random.multinomial(len(y), np.full(len(y), 1 / len(y)))
        means[i] = times @ y / (times @ n)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(
        low=float(low),
        high=float(high),
        level=level,
        standard_error=float(means.std(ddof=1)),
        clusters=len(y),
        method="bootstrap over documents",
    )


def exponential(interval: Interval) -> Interval:
    """An interval of a mean surprisal as one of the perplexity; ``standard_error``
    stays that of the mean.
    """
    return replace(interval, low=exp(interval.low), high=exp(interval.high))


def scaled(interval: Interval, factor: float) -> Interval:
    """An interval in another unit, of which ``factor`` make the first."""
    return replace(
        interval,
        low=interval.low * factor,
        high=interval.high * factor,
        standard_error=interval.standard_error * factor,
    )


def design_effect(interval: Interval | None, independent: Interval | None) -> float | None:
    """How many times larger the variance is than if tokens were independent."""
    if interval is None or independent is None or not independent.standard_error:
        return None
    return (interval.standard_error / independent.standard_error) ** 2


def widest(candidates: Iterable[_Moments]) -> _Moments | None:
    """The clustering with the largest standard error.

    Neighbours resemble each other, so narrow blocks give too small an error.
    """
    return max(candidates, key=_standard_error, default=None)


def student_quantile(p: float, df: int) -> float:
    """Quantile of Student's t by the Cornish-Fisher expansion (Abramowitz & Stegun
    26.7.5), good from 3 degrees up.
    """
    z = NormalDist().inv_cdf(p)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(df) ** power for power, term in enumerate(terms, 1))


def _document_moments(tally: Tally, n: int, yn: int, nn: int, *, unit: int) -> _Moments:
    """The subtraction inside the variance is done in integers, where it loses nothing;
    ``unit`` is that of ``n``.
    """
    y, yy = tally.nats, tally.nats_nats
    try:
        residual = (yy * n * n - 2 * y * n * yn + y * y * nn) / (n * n << 80)
    except OverflowError:
        residual = math.inf  # surprisals of which no float holds the squares
    return _Moments(clusters=tally.documents, y=unfixed(y), n=n / unit, residual=residual)


def _block_moments(tally: Tally, documents: _Moments, unit: str) -> Iterable[_Moments]:
    """Moments with the largest documents cut into blocks of doubling width, as long as
    enough clusters are left.

    All other documents stay clusters of their own.
    """
    ratio = documents.y / documents.n
    kept = [blocks for _, _, blocks in tally.largest]
    y = [np.array([b.nats for b in blocks]) for blocks in kept]
    n = [np.array([float(b.tokens if unit == "tokens" else b.bytes) for b in blocks]) for blocks in kept]
    whole = sum((each.sum() - ratio * units.sum()) ** 2 for each, units in zip(y, n, strict=True))
    others, rest = documents.clusters - len(kept), max(documents.residual - float(whole), 0.0)
    width = max(map(len, y), default=0)
    while width and (clusters := others + sum(map(len, y))) >= _FEWEST:
        cut = sum(float(((each - ratio * units) ** 2).sum()) for each, units in zip(y, n, strict=True))
        yield replace(documents, clusters=clusters, residual=rest + cut)
        y, n, width = [_doubled(a) for a in y], [_doubled(a) for a in n], width // 2


def _doubled(sums: Floats) -> Floats:
    return np.add.reduceat(sums, np.arange(0, len(sums), 2)) if len(sums) else sums


def _moments(y: Floats, n: Floats) -> _Moments:
    residual = y - y.sum() / n.sum() * n
    return _Moments(clusters=len(y), y=float(y.sum()), n=float(n.sum()), residual=float(residual @ residual))


def _standard_error(m: _Moments) -> float:
    return math.sqrt(m.clusters / (m.clusters - 1) * m.residual) / m.n if m.clusters > 1 else math.inf


def _interval(m: _Moments, *, method: str, level: float) -> Interval:
    return _around(m.y / m.n, _standard_error(m), clusters=m.clusters, method=method, level=level)


def _around(mean: float, error: float, *, clusters: int, method: str, level: float) -> Interval:
    half = student_quantile((1 + level) / 2, max(clusters - 1, 1)) * error
    return Interval(
        low=mean - half,
        high=mean + half,
        level=level,
        standard_error=error,
        clusters=clusters,
        method=method,
    )
