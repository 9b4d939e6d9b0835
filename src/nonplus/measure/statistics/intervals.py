"""How far the figure may be off: intervals of a ratio of sums, clustered by document.

Tokens of one document resemble each other, so an error bar that takes them as
independent is several times too small. Documents are the clusters, from three on; both
their nats and their tokens vary, so the variance is that of a ratio (see ``clusters``).
One or two documents cannot tell how documents differ: for them there is only the spread
within their text.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from nonplus.measure.statistics.clusters import ratio_error
from nonplus.measure.statistics.document_sums import DocumentSums
from nonplus.measure.statistics.fixed_point import BITS, exp, unfixed
from nonplus.measure.statistics.stretches import FEW
from nonplus.measure.statistics.student import student_quantile
from nonplus.measure.statistics.sums import nats_per
from nonplus.measure.statistics.tally import Tally

_MANY = 20  # documents of equal size, or what comes to the same
_FEWEST_TOKENS = 8
_FEWEST_STRETCHES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An interval of a mean surprisal in nats per unit, and how it was found.

    ``clusters`` independent pieces give ``standard_error``; the half-width is that
    times Student's quantile at ``degrees`` of freedom, ``None`` for a bootstrap; below
    0 there is no surprisal, so the interval ends there.
    ``method`` says what the pieces are: ``documents``, ``stretches`` of a text or
    ``tokens``; or it is ``bootstrap over documents``. Only documents give a confidence
    interval: it holds for other texts of the kind.
    """

    low: float
    high: float
    level: float
    standard_error: float
    degrees: float | None
    clusters: int
    method: str


def obstacle(tally: Tally, *, average: str = "tokens") -> str:
    """Why there is no interval over the documents; empty if there is one.

    None is known that holds for a mean over ``texts`` of their perplexities: see
    benchmarks/intervals.py.
    """
    if average == "texts":
        return "one text can outweigh all others in a mean of perplexities, and a sample need not have it"
    if not tally.tokens:
        return "nothing was scored"
    if tally.zeros:
        return "a token has probability 0"
    others = _others(tally, "tokens")
    documents = tally.documents if others.squares else len(tally.largest)  # without those whose tokens have weight 0
    if documents <= FEW:
        counted = "1 document" if documents == 1 else f"{documents} documents"
        return f"{counted} cannot show how texts differ, it takes {FEW + 1} or more"
    if _MANY * others.squares > others.units * tally.tokens:
        return f"where only sums over documents are known, it takes {_MANY} of about the same size"
    return ""


def token_interval(tally: Tally, *, level: float = 0.95) -> Interval | None:
    """Interval of nats per token, with documents as clusters; ``None`` if there is an
    :func:`obstacle`.
    """
    return None if obstacle(tally) else _over_documents(tally, "tokens", level=level)


def byte_interval(tally: Tally, *, level: float = 0.95) -> Interval | None:
    """Interval of nats per byte, with documents as clusters; ``None`` if there is an
    :func:`obstacle`, and unless each token counts once and came with its bytes, of two
    documents at least.
    """
    known = nats_per(tally, tally.bytes, unknown=tally.unsized) is not None
    if obstacle(tally) or not known or tally.bytes**2 == tally.bytes_bytes:
        return None
    return scaled(_over_documents(tally, "bytes", level=level), 2.0**-BITS)  # nats are whole numbers of 2**-40


def spread_within(tally: Tally, *, level: float = 0.95) -> Interval | None:
    """The spread of nats per token within the text of one or two documents.

    It is computed like an interval, from a few wide stretches. But what all stretches
    of a document share is not in it, so it holds less often than ``level`` for other
    texts of the kind. ``None`` for more documents, and where stretches are not known or
    fewer than three.
    """
    known = sum(each.tokens for each in tally.stretches) == tally.tokens
    if tally.zeros or not known or len(tally.stretches) < _FEWEST_STRETCHES:
        return None
    spread = _over(tally.stretches, _Others(), tally.nats, tally.tokens, level=level)
    return replace(spread, clusters=len(tally.stretches), method="stretches")


def many_documents(tally: Tally) -> bool:
    """Whether they count for twenty of equal size (Kish's effective number)."""
    return tally.tokens**2 >= _MANY * tally.tokens_tokens > 0


def independent_interval(tally: Tally, *, level: float = 0.95) -> Interval | None:
    """The interval if tokens were independent of each other, which they are not: shown
    for comparison only.
    """
    if tally.scored < _FEWEST_TOKENS or tally.zeros or not tally.tokens:
        return None
    n = unfixed(tally.tokens)
    mean = unfixed(tally.nats) / n
    spread = unfixed(tally.squares) / n - mean * mean
    variance = math.inf if math.isnan(spread) else max(0.0, spread)
    degrees = tally.scored - 1
    error = math.sqrt(variance / degrees)
    return _around(mean, error, degrees, clusters=tally.scored, method="tokens", level=level)


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
        degrees=None,
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


_Unit = Literal["tokens", "bytes"]


@dataclass(frozen=True, slots=True)
class _Others:
    """Sums over the documents that are not kept one by one.

    Their units, the squares of these, and the squares of ``nats * all units - units *
    all nats``: whole numbers, in which a difference of large sums loses nothing.
    """

    units: int = 0
    squares: int = 0
    residuals: int = 0


def _kept(tally: Tally, unit: _Unit) -> list[tuple[int, int]]:
    return [(each.nats, getattr(each, unit)) for each in tally.largest]


def _others(tally: Tally, unit: _Unit) -> _Others:
    kept = _kept(tally, unit)
    y, n = tally.nats, getattr(tally, unit)
    yy = tally.nats_nats - sum(nats * nats for nats, _ in kept)
    yn = getattr(tally, f"nats_{unit}") - sum(nats * units for nats, units in kept)
    nn = getattr(tally, f"{unit}_{unit}") - sum(units * units for _, units in kept)
    return _Others(n - sum(units for _, units in kept), nn, yy * n * n - 2 * y * n * yn + y * y * nn)


def _over_documents(tally: Tally, unit: _Unit, *, level: float) -> Interval:
    found = _over(_kept(tally, unit), _others(tally, unit), tally.nats, getattr(tally, unit), level=level)
    return replace(found, clusters=tally.documents)


def _over(kept: Sequence[tuple[int, int]], others: _Others, y: int, n: int, *, level: float) -> Interval:
    """The interval of y / n from clusters that are kept, each its nats and units, and
    from as many equal ones as the others come to.
    """
    shares = [units / n for _, units in kept]
    residuals = [_quotient(nats * n - units * y, n * n) for nats, units in kept]
    squares = [residual * residual for residual in residuals]
    alike = [1.0] * len(kept)
    if others.squares:
        alike.append(others.units**2 / others.squares)
        shares.append(others.squares / (others.units * n))
        squares.append(_quotient(others.residuals * others.squares, n**4 * others.units**2))
    error, degrees = ratio_error(np.array(shares), np.array(squares), np.array(alike))
    return _around(_quotient(y, n), error, degrees, clusters=len(kept), method="documents", level=level)


def _quotient(one: int, other: int) -> float:
    try:
        return one / other
    except OverflowError:
        return math.inf if one > 0 else -math.inf


def _around(mean: float, error: float, degrees: float, *, clusters: int, method: str, level: float) -> Interval:
    half = student_quantile((1 + level) / 2, degrees) * error
    return Interval(
        low=max(0.0, mean - half),  # no surprisal is less
        high=mean + half,
        level=level,
        standard_error=error,
        degrees=degrees,
        clusters=clusters,
        method=method,
    )
