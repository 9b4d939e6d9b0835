"""Sums of surprisal over documents: exact integers, so that any order and any split give the same bits.

A float becomes a whole number of 2**-40 nats before it is added. Beside the sums a tally keeps the second moments
over documents that a ratio estimator's variance needs (see :mod:`nonplus.stats`), and, for the largest documents, sums
over blocks of bytes.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from heapq import nsmallest
from operator import add, mul
from typing import Any, NamedTuple, Self

import numpy as np

from nonplus.errors import BadInput
from nonplus.records import Floats, Ints, ScoredText

_ONE = 1 << 40  # one nat
_LARGEST = 20  # documents whose blocks are kept
_BLOCK = 512  # bytes; widths grow from here by doubling
_MOST_BLOCKS = 4096  # per document
_SHOWN = 5  # zero-probability tokens whose place is remembered


def fixed(value: float) -> int:
    """``value`` in whole units of 2**-40, rounded down; exact for sums afterwards."""
    numerator, denominator = value.as_integer_ratio()
    return numerator * _ONE // denominator


def unfixed(value: int) -> float:
    """Inverse of :func:`fixed`; infinite beyond what a float can hold."""
    try:
        return value / _ONE
    except OverflowError:
        return math.inf


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """Sums over a stretch of one document: nats, tokens (weighted), bytes."""

    nats: float
    tokens: float
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSums:
    """What one document adds up to.

    ``tokens`` is weighted as the protocol books them, ``scored`` counts tokens with a figure, ``unscored`` those
    without. Bytes, words and characters are those that the scored tokens cover, so that no figure divides by text that
    was not measured. ``zeros`` names scored tokens of probability zero; their infinite surprisal is in no sum.
    """

    id: str
    domain: str
    nats: float
    tokens: float
    scored: int
    unscored: int
    bytes: int
    chars: int
    words: int
    squares: float
    zeros: tuple[int, ...]
    blocks: tuple[Block, ...]
    partial: bool

    @property
    def log_perplexity(self) -> float:
        """Nats per token; infinite where a scored token has probability zero."""
        return math.inf if self.zeros else self.nats / self.tokens

    @property
    def perplexity(self) -> float:
        """Perplexity per token; infinite where it overflows (see ``log_perplexity``) or a token is impossible."""
        return exp(self.log_perplexity)


def exp(value: float) -> float:
    """e to the ``value``; infinite where that overflows."""
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def document_sums(scored: ScoredText, *, counted: tuple[int, int] | None = None) -> DocumentSums:
    """Sum one scored text.

    ``counted`` gives words and bytes to divide by instead of those that were scored, as protocols do whose denominator
    is another form of the text.
    """
    possible = np.isfinite(scored.nats)
    nats = (scored.nats * scored.weight)[possible]
    starts, stops = _covered(scored)
    widths = _utf8_widths(scored.document.text)
    bytes_at = np.concatenate([[0], np.cumsum(widths)])
    token_bytes = bytes_at[stops] - bytes_at[starts]
    words, n_bytes = counted or (_words(scored, starts, stops), int(token_bytes.sum()))
    return DocumentSums(
        id=scored.document.id,
        domain=scored.document.domain,
        nats=math.fsum(nats),
        tokens=math.fsum(scored.weight),
        scored=len(scored.index),
        unscored=scored.unscored,
        bytes=n_bytes,
        chars=int((stops - starts).sum()),
        words=words,
        squares=math.fsum(nats * scored.nats[possible]),
        zeros=tuple(int(i) - scored.tokens.first for i in scored.index[~possible]),
        blocks=_blocks(np.where(possible, scored.nats, 0.0) * scored.weight, scored.weight, token_bytes),
        partial=scored.partial,
    )


def _covered(scored: ScoredText) -> tuple[Ints, Ints]:
    """Characters ``[start, stop)`` of the text that each scored token covers, shapes (S,)."""
    ends = scored.tokens.ends
    starts = np.concatenate([[0], ends[:-1]])
    starts[: scored.tokens.first + 1] = 0
    return starts[scored.index], ends[scored.index]


def _utf8_widths(text: str) -> Ints:
    if text.isascii():
        return np.ones(len(text), np.int64)
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    return 1 + (points > 0x7F).astype(np.int64) + (points > 0x7FF) + (points > 0xFFFF)


def _words(scored: ScoredText, starts: Ints, stops: Ints) -> int:
    """Runs of non-blank characters that begin inside what was scored."""
    text = scored.document.text
    if int((stops - starts).sum()) == len(text):
        return len(text.split())
    inside = np.zeros(len(text) + 1, np.int64)
    np.add.at(inside, starts, 1)
    np.add.at(inside, stops, -1)
    blank = np.array([True, *(c.isspace() for c in text)])
    return int((~blank[1:] & blank[:-1] & (np.cumsum(inside)[:-1] > 0)).sum())


def _blocks(nats: Floats, weight: Floats, token_bytes: Ints) -> tuple[Block, ...]:
    total = int(token_bytes.sum())
    width = _BLOCK
    while total > width * _MOST_BLOCKS:
        width *= 2
    if not len(nats):
        return ()
    block = (np.cumsum(token_bytes) - token_bytes) // width
    sums = (np.bincount(block, column) for column in (nats, weight, token_bytes))
    return tuple(Block(float(n), float(t), int(b)) for n, t, b in zip(*sums, strict=True) if t)


class Part(NamedTuple):
    """Exact sums over a document or a piece of one: whole numbers, ``nats``, ``tokens`` and ``squares`` in 2**-40.

    Of ``scored`` tokens, ``unsized`` came without their bytes and ``unworded`` without their words.
    """

    nats: int
    tokens: int
    squares: int
    scored: int
    unscored: int
    ignored: int
    zeros: int
    nonfinite: int
    bytes: int
    words: int
    unsized: int
    unworded: int

    def joined(self, other: "Part") -> "Part":
        """The sums over both pieces."""
        return Part(*map(add, self, other))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Exact sums over documents. ``a + b`` is associative and commutative to the last bit.

    ``nats``, ``tokens``, ``squares`` (of surprisals) and ``perplexities`` are in units of 2**-40; ``a_b`` is the sum
    over documents of the product of their ``a`` and their ``b``, for the variance of a ratio. ``texts`` counts the
    documents with a perplexity, the infinite ones included. ``largest`` holds the blocks of the largest documents.

    ``unscored`` tokens had nothing before them to be predicted from; ``ignored`` ones were left out on request;
    ``nonfinite`` ones had no distribution, and are in no sum. Of ``scored`` tokens, ``unsized`` came without their
    bytes and ``unworded`` without their words.
    """

    documents: int = 0
    nats: int = 0
    tokens: int = 0
    scored: int = 0
    unscored: int = 0
    bytes: int = 0
    chars: int = 0
    words: int = 0
    squares: int = 0
    zeros: int = 0
    texts: int = 0
    perplexities: int = 0
    perplexities_perplexities: int = 0
    infinite_perplexities: int = 0
    nats_nats: int = 0
    nats_tokens: int = 0
    tokens_tokens: int = 0
    nats_bytes: int = 0
    bytes_bytes: int = 0
    partial: int = 0
    ignored: int = 0
    nonfinite: int = 0
    unsized: int = 0
    unworded: int = 0
    zero_places: tuple[tuple[str, int], ...] = ()
    nonfinite_places: tuple[tuple[str, int], ...] = ()
    largest: tuple[tuple[int, str, tuple[Block, ...]], ...] = ()

    @classmethod
    def of(cls, sums: DocumentSums) -> Self:
        """The tally of one document."""
        nats, tokens = fixed(sums.nats), fixed(sums.tokens)
        has_perplexity = sums.tokens > 0 and math.isfinite(sums.perplexity)
        perplexity = fixed(sums.perplexity) if has_perplexity else 0
        return cls(
            documents=1,
            nats=nats,
            tokens=tokens,
            scored=sums.scored,
            unscored=sums.unscored,
            bytes=sums.bytes,
            chars=sums.chars,
            words=sums.words,
            squares=fixed(sums.squares),
            zeros=len(sums.zeros),
            texts=int(sums.tokens > 0),
            perplexities=perplexity,
            perplexities_perplexities=perplexity * perplexity,
            infinite_perplexities=int(sums.tokens > 0 and not has_perplexity),
            nats_nats=nats * nats,
            nats_tokens=nats * tokens,
            tokens_tokens=tokens * tokens,
            nats_bytes=nats * sums.bytes,
            bytes_bytes=sums.bytes * sums.bytes,
            partial=int(sums.partial),
            zero_places=tuple((sums.id, place) for place in sums.zeros[:_SHOWN]),
            largest=((-tokens, sums.id, sums.blocks),),
        )

    @classmethod
    def of_parts(cls, documents: Iterable[Part]) -> Self:
        """The tally of documents of which only sums are known, one for each.

        A document without a scored token is none. Places are unknown, and so are blocks: the interval is then
        clustered by document only.
        """
        parts = list(documents)
        if not parts:
            return cls()
        nats, tokens, squares, scored, unscored, ignored, zeros, nonfinite, n_bytes, words, unsized, unworded = zip(
            *parts, strict=True
        )
        perplexities = [exp(n / t) for n, t, z in zip(nats, tokens, zeros, strict=True) if t and not z]
        texts = sum(map(bool, tokens))
        finite = [fixed(each) for each in perplexities if math.isfinite(each)]
        return cls(
            documents=sum(map(bool, scored)),
            nats=sum(nats),
            tokens=sum(tokens),
            scored=sum(scored),
            unscored=sum(unscored),
            bytes=sum(n_bytes),
            words=sum(words),
            squares=sum(squares),
            zeros=sum(zeros),
            texts=texts,
            perplexities=sum(finite),
            perplexities_perplexities=_products(finite, finite),
            infinite_perplexities=texts - len(finite),
            nats_nats=_products(nats, nats),
            nats_tokens=_products(nats, tokens),
            tokens_tokens=_products(tokens, tokens),
            nats_bytes=_products(nats, n_bytes),
            bytes_bytes=_products(n_bytes, n_bytes),
            ignored=sum(ignored),
            nonfinite=sum(nonfinite),
            unsized=sum(unsized),
            unworded=sum(unworded),
        )

    def __add__(self, other: Self) -> Self:
        """The tally of both sets of documents."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in _SUMMED}
        largest = sorted((*self.largest, *other.largest))[:_LARGEST]
        return type(self)(
            **sums,
            zero_places=first_places((*self.zero_places, *other.zero_places)),
            nonfinite_places=first_places((*self.nonfinite_places, *other.nonfinite_places)),
            largest=tuple(largest),
        )

    def as_json(self) -> dict[str, Any]:
        """Every sum as the whole number it is, for ``json.dumps``; what is zero or empty is left out.

        Whole numbers may have hundreds of digits, which Python reads back exactly and JavaScript does not.
        """
        held: dict[str, Any] = {name: getattr(self, name) for name in _SUMMED if getattr(self, name)}
        held |= {name: [list(place) for place in getattr(self, name)] for name in _PLACES if getattr(self, name)}
        if self.largest:
            held["largest"] = [[size, id_, [[b.nats, b.tokens, b.bytes] for b in bs]] for size, id_, bs in self.largest]
        return held

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`as_json`, to the last bit.

        Raises:
            BadInput: something that no tally holds, or a sum that is no whole number.
        """
        unknown = held.keys() - {*_SUMMED, *_PLACES, "largest"}
        if unknown:
            raise BadInput(f"a tally has no {', '.join(sorted(unknown))}; was this written by a newer nonplus?")
        sums = {name: held[name] for name in _SUMMED if name in held}
        for name, value in sums.items():
            if type(value) is not int:
                raise BadInput(f"{name} of a tally is a whole number, got {value!r}; do not round it on the way")
        zeros, nonfinite = (tuple((str(id_), int(at)) for id_, at in held.get(name, ())) for name in _PLACES)
        return cls(
            **sums,
            zero_places=zeros,
            nonfinite_places=nonfinite,
            largest=tuple(
                (size, str(id_), tuple(Block(*block) for block in blocks))
                for size, id_, blocks in held.get("largest", ())
            ),
        )

    @classmethod
    def total(cls, sums: Iterable[DocumentSums]) -> Self:
        """The tally of many documents."""
        tally = cls()
        for each in sums:
            tally += cls.of(each)
        return tally


def first_places(places: Iterable[tuple[Any, int]]) -> tuple[tuple[Any, int], ...]:
    """The first few of ``places``, in order: as many as a tally remembers."""
    return tuple(nsmallest(_SHOWN, places))


def _products(one: Iterable[int], other: Iterable[int]) -> int:
    return sum(map(mul, one, other))


_PLACES = ("zero_places", "nonfinite_places")
_SUMMED = tuple(f.name for f in fields(Tally) if f.type in ("int", int))


@dataclass(frozen=True, slots=True)
class PositionSums:
    """Sums over tokens that saw between ``seen_from`` and ``seen_to`` others, both included."""

    seen_from: int
    seen_to: int
    tokens: float
    nats: float


class PositionTally:
    """Surprisal by how many tokens were seen before, in stretches that double: 0, 1, 2-3, 4-7, …"""

    def __init__(self) -> None:
        """Start from nothing."""
        self._sums: dict[int, list[int]] = {}

    def add(self, scored: ScoredText) -> None:
        """Count a scored text in; tokens of probability zero are left out."""
        stretch = np.frexp(scored.seen.astype(np.float64))[1]
        possible = np.isfinite(scored.nats)
        for power in np.unique(stretch[possible]):
            chosen = possible & (stretch == power)
            sums = self._sums.setdefault(int(power), [0, 0])
            sums[0] += fixed(math.fsum(scored.weight[chosen]))
            sums[1] += fixed(math.fsum(scored.nats[chosen] * scored.weight[chosen]))

    def rows(self) -> tuple[PositionSums, ...]:
        """The stretches in order."""
        return tuple(
            PositionSums((1 << power) // 2, max((1 << power) - 1, 0), unfixed(tokens), unfixed(nats))
            for power, (tokens, nats) in sorted(self._sums.items())
        )
