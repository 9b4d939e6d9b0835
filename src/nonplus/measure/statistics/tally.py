"""Sums over documents: exact integers, so that any order and any split give the same
bits.

Beside the sums a tally keeps what an interval needs (see ``intervals``): second moments
over documents; the largest documents one by one; and, as long as there are no more than
two, stretches of these.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from heapq import nlargest
from itertools import chain
from operator import mul
from typing import Any, NamedTuple, Self

import numpy as np

from nonplus.errors import BadInput
from nonplus.measure.statistics.document_sums import SummedTexts
from nonplus.measure.statistics.fixed_point import exp, total
from nonplus.measure.statistics.stretches import FEW, Stretch
from nonplus.measure.statistics.sums import Sums, SumsOfTexts, first_places

LARGEST = 64  # documents kept one by one; each of the others is less than 1/64 of the text


class Size(NamedTuple):
    """A document that is kept: its tokens and nats, in units of 2**-40; its bytes."""

    tokens: int
    nats: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Exact sums over documents. ``a + b`` is associative and commutative to the last
    bit.

    ``nats``, ``tokens``, ``squares`` (of surprisals) and ``perplexities`` are in units
    of 2**-40; ``a_b`` is the sum over documents of the product of their ``a`` and their
    ``b``, for the variance of a ratio. ``texts`` counts the documents with a
    perplexity, the infinite ones included. ``largest`` are the documents with most
    tokens; ``stretches`` are those of all documents, if these are at most two.

    ``unscored`` tokens had nothing before them to be predicted from; ``ignored`` ones
    were left out on request; ``nonfinite`` ones had no distribution, and are in no sum.
    Of ``scored`` tokens, ``unsized`` came without their bytes and ``unworded`` without
    their words. Of all tokens, ``unknown`` ones stand for text without a token, and
    ``spelled`` ones are special tokens that a text spells out. ``unknown_nats``,
    ``unknown_weight`` (both in units of 2**-40) and ``unknown_zeros`` are of the
    unknown tokens that were scored. ``match_lengths`` is the sum of those of the
    ``matched`` tokens of n-gram models; ``normalised_bytes`` are of the texts as a
    model with a normaliser sees them.
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
    weighted: int = 0
    unknown: int = 0
    spelled: int = 0
    unknown_nats: int = 0
    unknown_weight: int = 0
    unknown_zeros: int = 0
    matched: int = 0
    match_lengths: int = 0
    normalised_bytes: int = 0
    zero_places: tuple[tuple[str, int], ...] = ()
    nonfinite_places: tuple[tuple[str, int], ...] = ()
    unknown_places: tuple[tuple[str, int], ...] = ()
    spelled_places: tuple[tuple[str, int], ...] = ()
    largest: tuple[Size, ...] = ()
    stretches: tuple[Stretch, ...] = ()

    @classmethod
    def of(cls, texts: SummedTexts) -> Self:
        """The tally of the documents of a batch."""
        ids = [document.id for document in texts.documents]
        sums = cls._of_columns(texts.sums)
        quarters = chain.from_iterable(quarters for _, quarters in texts.stretches)
        return replace(
            sums,
            partial=int(texts.partial.sum()),
            zero_places=_named(ids, texts.zero_places),
            unknown_places=_named(ids, texts.unknown_places),
            spelled_places=_named(ids, texts.spelled_places),
            stretches=tuple(sorted(quarters)) if sums.documents <= FEW else (),
        )

    @classmethod
    def of_sums(cls, documents: Iterable[Sums]) -> Self:
        """The tally of documents of which only sums are known.

        A document without a scored token is not counted. Places and stretches are
        unknown.
        """
        return cls._of_columns(SumsOfTexts.of(list(documents)))

    @classmethod
    def _of_columns(cls, sums: SumsOfTexts) -> Self:
        nats, tokens, n_bytes = map(sums.column, ("nats", "tokens", "bytes"))
        perplexities = _perplexities(sums)
        texts = sum(map(bool, tokens))
        added: dict[str, Any] = {name: sum(column) for name, column in sums.columns.items()}
        return cls(
            **added,
            documents=sum(map(bool, sums.column("scored"))),
            texts=texts,
            perplexities=total(np.array(perplexities)),
            infinite_perplexities=texts - len(perplexities),
            nats_nats=_products(nats, nats),
            nats_tokens=_products(nats, tokens),
            tokens_tokens=_products(tokens, tokens),
            nats_bytes=_products(nats, n_bytes),
            bytes_bytes=_products(n_bytes, n_bytes),
            largest=tuple(
                each
                for each in map(Size._make, nlargest(LARGEST, zip(tokens, nats, n_bytes, strict=True)))
                if each.tokens
            ),
        )

    def __add__(self, other: Self) -> Self:
        """The tally of both sets of documents."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in _SUMMED}
        quarters = sorted((*self.stretches, *other.stretches)) if sums["documents"] <= FEW else ()
        places: dict[str, Any]
        places = {name: first_places((*getattr(self, name), *getattr(other, name))) for name in _PLACES}
        return type(self)(
            **sums,
            **places,
            largest=tuple(nlargest(LARGEST, (*self.largest, *other.largest))),
            stretches=tuple(quarters),
        )

    def as_json(self) -> dict[str, Any]:
        """Every sum as the whole number it is, for ``json.dumps``; what is zero or
        empty is left out.

        Whole numbers may have hundreds of digits, which Python reads back exactly and
        JavaScript does not.
        """
        held: dict[str, Any] = {name: getattr(self, name) for name in _SUMMED if getattr(self, name)}
        held |= {name: [list(place) for place in getattr(self, name)] for name in _PLACES if getattr(self, name)}
        return held | {name: [list(row) for row in getattr(self, name)] for name in _ROWS if getattr(self, name)}

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`as_json`, to the last bit.

        Raises:
            BadInput: something that no tally holds, or a sum that is no whole number.
        """
        unknown = held.keys() - {*_SUMMED, *_PLACES, *_ROWS}
        if unknown:
            raise BadInput(f"a tally has no {', '.join(sorted(unknown))}; was this written by a newer nonplus?")
        read: dict[str, Any] = {name: _whole(held[name]) for name in _SUMMED if name in held}
        read |= {name: tuple((str(id_), int(at)) for id_, at in held.get(name, ())) for name in _PLACES}
        read |= {name: tuple(kind(*map(_whole, row)) for row in held.get(name, ())) for name, kind in _ROWS.items()}
        return cls(**read)


def _named(ids: Sequence[str], places: Iterable[tuple[int, int]]) -> tuple[tuple[str, int], ...]:
    return first_places((ids[place], token) for place, token in places)


def _perplexities(sums: SumsOfTexts) -> list[float]:
    """Those of the documents that have one, and a finite one."""
    scored = zip(*map(sums.column, ("nats", "tokens", "zeros")), strict=True)
    found = (exp(nats / tokens) for nats, tokens, zeros in scored if tokens and not zeros)
    return [value for value in found if math.isfinite(value)]


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise BadInput(f"sums of a tally are whole numbers, got {value!r}; do not round them on the way")
    return value


def _products(one: Iterable[int], other: Iterable[int]) -> int:
    return sum(map(mul, one, other))


_ROWS = {"largest": Size, "stretches": Stretch}
_PLACES = ("zero_places", "nonfinite_places", "unknown_places", "spelled_places")
_SUMMED = tuple(f.name for f in fields(Tally) if f.type in ("int", int))
