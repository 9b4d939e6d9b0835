"""Sums over documents: exact integers, so that any order and any split give the same
bits.

Beside the sums a tally keeps the second moments over documents that a ratio estimator's
variance needs (see ``intervals``), and, for the largest documents, sums over blocks of
bytes.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from heapq import nsmallest
from operator import mul
from typing import Any, Self

from nonplus.errors import BadInput
from nonplus.measure.statistics.blocks import LARGEST, Block
from nonplus.measure.statistics.document_sums import SummedTexts
from nonplus.measure.statistics.fixed_point import exp, fixed
from nonplus.measure.statistics.sums import Sums, log_perplexity

_SHOWN = 5  # zero-probability tokens whose place is remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Exact sums over documents. ``a + b`` is associative and commutative to the last
    bit.

    ``nats``, ``tokens``, ``squares`` (of surprisals) and ``perplexities`` are in units
    of 2**-40; ``a_b`` is the sum over documents of the product of their ``a`` and their
    ``b``, for the variance of a ratio. ``texts`` counts the documents with a
    perplexity, the infinite ones included. ``largest`` holds the blocks of the largest
    documents.

    ``unscored`` tokens had nothing before them to be predicted from; ``ignored`` ones
    were left out on request; ``nonfinite`` ones had no distribution, and are in no sum.
    Of ``scored`` tokens, ``unsized`` came without their bytes and ``unworded`` without
    their words. Of all tokens, ``unknown`` ones stand for text without a token, and
    ``spelled`` ones are special tokens that a text spells out.
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
    weighted: int = 0
    unknown: int = 0
    spelled: int = 0
    zero_places: tuple[tuple[str, int], ...] = ()
    nonfinite_places: tuple[tuple[str, int], ...] = ()
    unknown_places: tuple[tuple[str, int], ...] = ()
    spelled_places: tuple[tuple[str, int], ...] = ()
    largest: tuple[tuple[int, str, tuple[Block, ...]], ...] = ()

    @classmethod
    def of(cls, texts: SummedTexts) -> Self:
        """The tally of the documents of a batch."""
        ids = [document.id for document in texts.documents]
        largest = ((-texts.sums[place].tokens, texts.documents[place].id, blocks) for place, blocks in texts.largest)
        sums = cls.of_sums(texts.sums)
        return replace(
            sums,
            partial=int(texts.partial.sum()),
            zero_places=_named(ids, texts.zero_places),
            unknown_places=_named(ids, texts.unknown_places),
            spelled_places=_named(ids, texts.spelled_places),
            largest=tuple(sorted(largest)[:LARGEST]),
        )

    @classmethod
    def of_sums(cls, documents: Iterable[Sums]) -> Self:
        """The tally of documents of which only sums are known.

        A document without a scored token is not counted. Places are unknown, and so are
        blocks: the interval is then clustered by document only.
        """
        rows = list(documents)
        if not rows:
            return cls()
        columns = dict(zip(Sums._fields, zip(*rows, strict=True), strict=True))
        nats, tokens, n_bytes = columns["nats"], columns["tokens"], columns["bytes"]
        logs = [log for row in rows if (log := log_perplexity(row)) is not None]
        perplexities = [fixed(value) for value in map(exp, logs) if math.isfinite(value)]
        texts = sum(map(bool, tokens))
        return cls(
            **{name: sum(column) for name, column in columns.items()},
            documents=sum(map(bool, columns["scored"])),
            texts=texts,
            perplexities=sum(perplexities),
            perplexities_perplexities=_products(perplexities, perplexities),
            infinite_perplexities=texts - len(perplexities),
            nats_nats=_products(nats, nats),
            nats_tokens=_products(nats, tokens),
            tokens_tokens=_products(tokens, tokens),
            nats_bytes=_products(nats, n_bytes),
            bytes_bytes=_products(n_bytes, n_bytes),
        )

    def __add__(self, other: Self) -> Self:
        """The tally of both sets of documents."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in _SUMMED}
        places: dict[str, Any]
        places = {name: first_places((*getattr(self, name), *getattr(other, name))) for name in _PLACES}
        largest = sorted((*self.largest, *other.largest))[:LARGEST]
        return type(self)(
            **sums,
            **places,
            largest=tuple(largest),
        )

    def as_json(self) -> dict[str, Any]:
        """Every sum as the whole number it is, for ``json.dumps``; what is zero or
        empty is left out.

        Whole numbers may have hundreds of digits, which Python reads back exactly and
        JavaScript does not.
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
        places: dict[str, Any]
        places = {name: tuple((str(id_), int(at)) for id_, at in held.get(name, ())) for name in _PLACES}
        return cls(
            **sums,
            **places,
            largest=tuple(
                (size, str(id_), tuple(Block(*block) for block in blocks))
                for size, id_, blocks in held.get("largest", ())
            ),
        )


def first_places(places: Iterable[tuple[Any, int]]) -> tuple[tuple[Any, int], ...]:
    """The first few of ``places``, in order: as many as a tally remembers."""
    return tuple(nsmallest(_SHOWN, places))


def _named(ids: Sequence[str], places: Iterable[tuple[int, int]]) -> tuple[tuple[str, int], ...]:
    return first_places((ids[place], token) for place, token in places)


def _products(one: Iterable[int], other: Iterable[int]) -> int:
    return sum(map(mul, one, other))


_PLACES = ("zero_places", "nonfinite_places", "unknown_places", "spelled_places")
_SUMMED = tuple(f.name for f in fields(Tally) if f.type in ("int", int))
