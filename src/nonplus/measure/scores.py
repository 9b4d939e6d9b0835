"""The records on the way from a model: readings, and texts with their scores.

Letters in shapes: D documents, T tokens of all of them, N positions to predict from,
S scored tokens, k alternatives.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Bools, Document, Floats, Integers, Ints, Part, TokenizedTexts
from nonplus.measure.weights import once


@dataclass(frozen=True, slots=True)
class Readings:
    """What whole distributions say about N targets.

    Shapes: ``nats`` (surprisal), ``entropy`` (nats), ``rank`` (1 is the most probable)
    (N,); ``top_ids``, ``top_nats`` (N, k): the most probable tokens, in order.
    """

    nats: Floats
    entropy: Floats
    rank: Ints
    top_ids: Ints
    top_nats: Floats

    @property
    def columns(self) -> tuple[NDArray[Any], ...]:
        """All of them, in the order of the fields."""
        return self.nats, self.entropy, self.rank, self.top_ids, self.top_nats

    def at(self, places: Ints | slice) -> "Readings":
        """Those at some positions."""
        return Readings(*(column[places] for column in self.columns))


def joined(parts: Sequence[Readings]) -> Readings:
    """Readings one after the other, all with the same number of alternatives."""
    return Readings(*map(np.concatenate, zip(*(part.columns for part in parts), strict=True)))


@dataclass(frozen=True, slots=True)
class Scores:
    """Surprisals of N targets, at least 0, and their readings if wanted."""

    nats: Floats
    readings: Readings | None = None

    def part(self, start: int, stop: int) -> "Scores":
        """Those of positions ``[start, stop)``."""
        return self.at(slice(start, stop))

    def at(self, places: Ints | slice) -> "Scores":
        """Those at some positions."""
        return Scores(self.nats[places], None if self.readings is None else self.readings.at(places))


def joined_scores(parts: Sequence[Scores]) -> Scores:
    """Scores one after the other, all with readings or none."""
    readings = [part.readings for part in parts if part.readings is not None]
    return Scores(np.concatenate([part.nats for part in parts]), joined(readings) if readings else None)


@dataclass(frozen=True, slots=True)
class Matches:
    """What an n-gram model found for N targets; shapes (N,).

    ``length`` counts the tokens of the longest n-gram of the model that ends with the
    target: 1 is the target alone. ``backoff`` are the nats of the target's surprisal
    that come from backing off to that n-gram: 0 where the model has the whole history,
    below 0 where the weights are above 1.
    """

    length: NDArray[np.integer[Any]]
    backoff: Floats

    def at(self, places: Ints | slice) -> "Matches":
        """Those at some positions."""
        return Matches(self.length[places], self.backoff[places])


@dataclass(frozen=True, slots=True)
class TokenScore:
    """One token of a scored text: the row of a table, or the event of a stream.

    ``text`` are the characters that begin in it, from character ``start`` of the
    document on, so that the texts of all tokens give the document's. ``nats`` is its
    surprisal, ``-ln P(token | tokens before it)``, ``None`` where the protocol did not
    score it. ``seen`` counts the tokens that the model saw before it in its window,
    prefix included. ``unknown``: it stands for text that the tokenizer has no token
    for. ``entropy`` (nats), ``rank`` (1 is the most probable) and ``top``
    (token, probability) are there where whole distributions were read; ``match`` and
    ``backoff``, as in :class:`Matches`, where an n-gram model scored it.
    """

    index: int
    id: int
    text: str
    start: int
    nats: float | None
    seen: int = 0
    entropy: float | None = None
    rank: int | None = None
    top: tuple[tuple[str, float], ...] = ()
    unknown: bool = False
    match: int | None = None
    backoff: float | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredTexts:
    """Many documents with the surprisal of each scored token, as columns.

    The one record that everything else reads. Shapes: D documents, S scored tokens of
    all of them. ``index`` (S,) are the positions of the scored tokens in
    ``tokens.ids``, rising; ``nats`` (S,) their surprisals, at least 0, infinite for
    probability 0; ``weight`` (S,) how often each counts (1 except under protocols that
    book tokens fractionally); ``seen`` (S,) how many tokens the model saw before each.
    ``readings`` are those of the scored tokens, if wanted; ``matches`` too, if the
    model is one of n-grams. ``partial`` (D,) is true where a run was interrupted inside
    the document.
    """

    tokens: TokenizedTexts
    index: Integers
    nats: Floats
    weight: Floats
    seen: Integers
    partial: Bools
    readings: Readings | None = None
    matches: Matches | None = None

    @classmethod
    def complete(
        cls,
        tokens: TokenizedTexts,
        *,
        index: Integers,
        nats: Floats,
        seen: Integers,
        readings: Readings | None = None,
        matches: Matches | None = None,
    ) -> Self:
        """Documents scored to their end, each token of ``index`` counting once."""
        return cls(
            tokens=tokens,
            index=index,
            nats=nats,
            weight=once(len(nats)),
            seen=seen,
            partial=np.zeros(len(tokens), bool),
            readings=readings,
            matches=matches,
        )

    def __len__(self) -> int:
        """How many documents."""
        return len(self.tokens)

    def __iter__(self) -> "Iterator[ScoredText]":
        """The documents one by one."""
        return (ScoredText(self, place) for place in range(len(self)))

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents that were scored."""
        return self.tokens.documents

    @property
    def offsets(self) -> Ints:
        """Where the scored tokens of each document begin and end, shape (D + 1,)."""
        return self._scored_before(self.tokens.offsets)

    def _scored_before(self, token_N: Ints) -> Ints:
        """How many scored tokens are before each of these."""
        # of one dtype, or NumPy would copy the index
        return np.searchsorted(self.index, token_N.astype(self.index.dtype))

    def part(self, start: int, stop: int) -> "ScoredTexts":
        """Documents ``[start, stop)``."""
        first, last = self._scored_before(self.tokens.offsets[[start, stop]]).tolist()
        return ScoredTexts(
            tokens=self.tokens.part(start, stop),
            index=self.index[first:last] - self.tokens.offsets[start],
            nats=self.nats[first:last],
            weight=self.weight[first:last],
            seen=self.seen[first:last],
            partial=self.partial[start:stop],
            readings=None if self.readings is None else self.readings.at(slice(first, last)),
            matches=None if self.matches is None else self.matches.at(slice(first, last)),
        )


@final
class ScoredText:
    """A document with the surprisal of each scored token: a view of one of
    :class:`ScoredTexts`.

    Shapes: S scored tokens of the document, k alternatives.
    """

    __slots__ = ("_one", "tokens")

    def __init__(self, texts: ScoredTexts, place: int) -> None:
        """Document ``place`` of ``texts``."""
        self._one = texts if len(texts) == 1 else texts.part(place, place + 1)
        self.tokens = self._one.tokens[0]

    @property
    def document(self) -> Document:
        """The document that was scored."""
        return self.tokens.document

    @property
    def texts(self) -> ScoredTexts:
        """The same document as a batch of one."""
        return self._one

    @property
    def index(self) -> Integers:
        """Positions of the scored tokens in ``tokens.ids``, rising, shape (S,)."""
        return self._one.index

    @property
    def nats(self) -> Floats:
        """Their surprisals, at least 0, infinite for probability 0, shape (S,)."""
        return self._one.nats

    @property
    def weight(self) -> Floats:
        """How often each counts: 1 except under protocols that book tokens
        fractionally, shape (S,).
        """
        return self._one.weight

    @property
    def seen(self) -> Integers:
        """How many tokens the model saw before each, prefix included, shape (S,)."""
        return self._one.seen

    @property
    def readings(self) -> Readings | None:
        """Entropy, rank and alternatives of each scored token, if wanted."""
        return self._one.readings

    @property
    def matches(self) -> Matches | None:
        """What an n-gram model found for each scored token."""
        return self._one.matches

    @property
    def unscored(self) -> int:
        """How many tokens of the text were not scored."""
        return len(self.tokens.ids) - self.tokens.first - len(self.index)

    @property
    def part(self) -> Part:
        """Which part of its document it is."""
        return self._one.tokens.of

    @property
    def partial(self) -> bool:
        """Whether the run was interrupted inside the document."""
        return bool(self._one.partial[0])

    def rows(self, names: "TokenNames") -> Iterator[TokenScore]:
        """All tokens of the text in order, those not scored with ``nats=None``.

        ``names`` turns a token id into text, for the alternatives.
        """
        unknown = set(self._one.tokens.unknown.tolist())
        part = self._one.tokens.of
        data, start, character, row = self.document.text.encode(), 0, part.chars, 0
        for token in range(self.tokens.first, len(self.tokens.ids)):
            stop = int(self.tokens.byte_ends[token])
            while b"\x80" <= data[stop : stop + 1] < b"\xc0":  # to the end of the character
                stop += 1
            text = data[start:stop].decode()
            known: dict[str, Any] = {"nats": None}
            if row < len(self.index) and self.index[row] == token:
                known, row = self._known(row, names), row + 1
            known["unknown"] = token in unknown
            index = part.tokens + token - self.tokens.first
            yield TokenScore(index, int(self.tokens.ids[token]), text, character, **known)
            start, character = stop, character + len(text)

    def _known(self, row: int, names: "TokenNames") -> dict[str, Any]:
        known: dict[str, Any] = {"nats": float(self.nats[row]), "seen": int(self.seen[row])}
        read = self.readings
        if read is not None:
            pairs = zip(read.top_ids[row], read.top_nats[row], strict=True)
            known["top"] = tuple((names(int(i)), float(np.exp(-n))) for i, n in pairs)
            known |= {"entropy": float(read.entropy[row]), "rank": int(read.rank[row])}
        if self.matches is not None:
            known |= {"match": int(self.matches.length[row]), "backoff": float(self.matches.backoff[row])}
        return known


class TokenNames:
    """Readable names of token ids, each decoded once."""

    def __init__(self, decode: "Any") -> None:
        """``decode`` maps a list of ids to text."""
        self._decode = decode
        self._names: dict[int, str] = {}

    def __call__(self, token: int) -> str:
        """The text of one token; parts of a character show as U+FFFD."""
        if token not in self._names:
            self._names[token] = self._decode([token])
        return self._names[token]

    def bare(self, token: TokenScore) -> str:
        """The name of a token that no character of the text begins in, such as a last
        ``</s>``; empty for a part of a character, which has none.
        """
        name = "" if token.text else self(token.id)
        return "" if "\N{REPLACEMENT CHARACTER}" in name else name
