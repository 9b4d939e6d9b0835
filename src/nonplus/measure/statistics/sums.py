"""Exact sums over one document, and the figures that follow from them."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from operator import add
from typing import Any, NamedTuple, Protocol, Self, final

from nonplus.measure.statistics.fixed_point import unfixed

PLACES = 5  # of tokens of a kind, as many as are remembered


class Sums(NamedTuple):
    """Exact sums over a document or a piece of one: whole numbers, the first three in
    units of 2**-40.

    ``tokens`` is the weight of the ``scored`` tokens, of which ``weighted`` do not
    count exactly once. ``squares`` are of surprisals. ``unscored`` tokens had nothing
    before them to be predicted from; ``ignored`` ones were excluded on request;
    ``nonfinite`` ones had no distribution, and are in no sum. ``zeros`` had probability
    0: they are scored, and their infinite surprisal is in no sum. Bytes, characters and
    words are those that the scored tokens cover, so that no figure divides by text that
    was not measured; ``unsized`` scored tokens came without their bytes, ``unworded``
    ones without their words. Of the tokens of a text, scored or not, ``unknown`` ones
    stand for text without a token, and ``spelled`` ones are special tokens that the
    text spells out. Of the scored unknown ones, ``unknown_weight`` is the weight,
    ``unknown_nats`` the surprisal, and ``unknown_zeros`` had probability 0.
    ``match_lengths`` are those of the n-grams that were found for ``matched`` tokens;
    ``normalised_bytes`` those of the text as a model with a normaliser sees it.
    """

    nats: int
    tokens: int
    squares: int
    scored: int
    weighted: int = 0
    unscored: int = 0
    ignored: int = 0
    zeros: int = 0
    nonfinite: int = 0
    bytes: int = 0
    chars: int = 0
    words: int = 0
    unsized: int = 0
    unworded: int = 0
    unknown: int = 0
    spelled: int = 0
    unknown_nats: int = 0
    unknown_weight: int = 0
    unknown_zeros: int = 0
    matched: int = 0
    match_lengths: int = 0
    normalised_bytes: int = 0

    def joined(self, other: "Sums") -> "Sums":
        """The sums over both pieces."""
        return Sums(*map(add, self, other))


@final
@dataclass(frozen=True, slots=True)
class SumsOfTexts:
    """The sums of ``documents`` documents: a column for each field of :class:`Sums`;
    one that is absent is 0.
    """

    columns: Mapping[str, Sequence[int]]
    documents: int

    @classmethod
    def of(cls, rows: Sequence[Sums]) -> Self:
        """Those of each document as columns."""
        return cls(dict(zip(Sums._fields, zip(*rows, strict=True), strict=False)), len(rows))

    def __len__(self) -> int:
        """How many documents."""
        return self.documents

    def __getitem__(self, place: int) -> Sums:
        """Those of one document."""
        return Sums(*(self.column(name)[place] for name in Sums._fields))

    def __iter__(self) -> Iterator[Sums]:
        """Those of each document."""
        return map(Sums._make, zip(*map(self.column, Sums._fields), strict=True))

    def column(self, name: str) -> Sequence[int]:
        """One field of each document."""
        return self.columns.get(name) or [0] * self.documents

    def at(self, places: Sequence[int]) -> Self:
        """Those of some documents."""
        columns = {name: [column[place] for place in places] for name, column in self.columns.items()}
        return type(self)(columns, len(places))


def first_places(places: Iterable[tuple[Any, int]]) -> tuple[tuple[Any, int], ...]:
    """The first few of ``places``, in order: as many as a tally remembers."""
    return tuple(nsmallest(PLACES, places))


class Summed(Protocol):
    """What :class:`Sums` and a tally have in common."""

    @property
    def nats(self) -> int:
        """Surprisal, in units of 2**-40 nats."""
        ...

    @property
    def tokens(self) -> int:
        """The weight of the scored tokens, in units of 2**-40."""
        ...

    @property
    def scored(self) -> int:
        """How many tokens were scored."""
        ...

    @property
    def weighted(self) -> int:
        """How many of these do not count exactly once."""
        ...

    @property
    def zeros(self) -> int:
        """How many of these had probability 0."""
        ...


def total_nats(sums: Summed) -> float:
    """Surprisal of all scored tokens; infinite with a token of probability 0."""
    return math.inf if sums.zeros else unfixed(sums.nats)


def counted_tokens(sums: Summed) -> float:
    """Scored tokens as the protocol counts them; an ``int`` if possible."""
    weight = unfixed(sums.tokens)
    whole = round(weight)
    # each weight was rounded to 2**-40, so weights that add up to a whole number
    # miss it by this much at most
    return whole if abs(weight - whole) * (1 << 41) <= sums.scored else weight


def log_perplexity(sums: Summed) -> float | None:
    """Nats per token; infinite with probability 0, ``None`` without tokens."""
    if not sums.tokens:
        return None
    # divided as integers: the sum may be larger than a float can hold
    return math.inf if sums.zeros else sums.nats / sums.tokens


def nats_per(sums: Summed, units: int, *, unknown: int) -> float | None:
    """Nats for each of the ``units`` of text, which ``unknown`` tokens came without.

    ``None`` where that would not be true: unless each token counts exactly once.
    """
    return total_nats(sums) / units if units and not unknown and not sums.weighted else None
