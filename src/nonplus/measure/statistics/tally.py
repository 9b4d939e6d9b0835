"""Sums of surprisal over documents: exact integers, so that any order and any split give the same bits.

A float becomes a whole number of 2**-40 nats before it is added. Beside the sums a tally keeps the second moments
over documents that a ratio estimator's variance needs (see ``intervals``), and, for the largest documents, sums over
blocks of bytes.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from heapq import nsmallest
from operator import add, mul
from typing import Any, NamedTuple, Self

from nonplus.errors import BadInput
from nonplus.measure.statistics.document_sums import Block, DocumentSums
from nonplus.measure.statistics.fixed_point import exp, fixed

_LARGEST = 20  # documents whose blocks are kept
_SHOWN = 5  # zero-probability tokens whose place is remembered


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
