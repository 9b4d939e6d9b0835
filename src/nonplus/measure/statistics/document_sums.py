"""What each document of a batch adds up to: exact whole numbers.

Letters in shapes: D documents, T tokens, S scored tokens, C characters, Y bytes.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import repeat
from operator import add
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Bools, Document, Floats, Ints, ScoredTexts
from nonplus.measure.statistics.fixed_point import BITS, Units, exp, run_sums, unfixed, units

_BLOCK = 512  # bytes; widths grow from here by doubling
_MOST_BLOCKS = 4096  # per document
LARGEST = 20  # documents whose blocks are kept
_MOST = np.finfo(np.float64).max

# What str.split takes for a blank.
_BLANK = [*range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)]
_BLANK += [0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
_IS_BLANK = np.isin(np.arange(max(_BLANK) + 2), _BLANK)  # the last stands for all beyond


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
    ones without their words.
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

    def joined(self, other: "Sums") -> "Sums":
        """The sums over both pieces."""
        return Sums(*map(add, self, other))

    @property
    def log_perplexity(self) -> float | None:
        """Nats per token; infinite with a token of probability 0, ``None`` without any
        that counts.
        """
        if not self.tokens:
            return None
        return math.inf if self.zeros else self.nats / self.tokens

    @property
    def perplexity(self) -> float | None:
        """Perplexity per token; infinite where it overflows."""
        log = self.log_perplexity
        return None if log is None else exp(log)


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """Sums over a stretch of one document: nats, tokens (weighted), bytes."""

    nats: float
    tokens: float
    bytes: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSums:
    """What one document adds up to. ``zero_places`` are the tokens of probability 0,
    counted from the text's first.
    """

    id: str
    domain: str
    sums: Sums
    zero_places: tuple[int, ...] = ()
    partial: bool = False

    @property
    def nats(self) -> float:
        """Surprisal of all scored tokens together; infinite with a token of probability
        0.
        """
        return math.inf if self.sums.zeros else unfixed(self.sums.nats)

    @property
    def tokens(self) -> float:
        """Scored tokens as the protocol books them."""
        return unfixed(self.sums.tokens)

    @property
    def log_perplexity(self) -> float | None:
        """Nats per token; ``None`` where nothing was scored."""
        return self.sums.log_perplexity

    @property
    def perplexity(self) -> float | None:
        """Perplexity per token; ``None`` where nothing was scored."""
        return self.sums.perplexity

    @property
    def bits_per_byte(self) -> float | None:
        """Surprisal in bits for each byte; ``None`` where tokens do not count exactly
        once, or cover no byte.
        """
        counted = self.sums.bytes and not self.sums.weighted
        return self.nats / self.sums.bytes / math.log(2) if counted else None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SummedTexts:
    """What each document of a batch adds up to: ``sums`` (D,), and the rest of
    :class:`DocumentSums` as columns.

    ``zero_places`` are pairs of a document and a token of it. ``largest`` holds places
    and blocks of the largest documents.
    """

    documents: tuple[Document, ...]
    sums: tuple[Sums, ...]
    partial: Bools
    zero_places: tuple[tuple[int, int], ...]
    largest: tuple[tuple[int, tuple[Block, ...]], ...]

    def __iter__(self) -> Iterator[DocumentSums]:
        """The documents one by one."""
        zeros: dict[int, tuple[int, ...]] = {}
        for place, token in self.zero_places:
            zeros[place] = (*zeros.get(place, ()), token)
        for place, (document, sums) in enumerate(zip(self.documents, self.sums, strict=True)):
            yield DocumentSums(
                id=document.id,
                domain=document.domain,
                sums=sums,
                zero_places=zeros.get(place, ()),
                partial=bool(self.partial[place]),
            )

    def by_domain(self) -> "Iterator[tuple[str, SummedTexts]]":
        """The documents of each domain, those without one left aside."""
        for domain in dict.fromkeys(document.domain for document in self.documents if document.domain):
            own = [place for place, document in enumerate(self.documents) if document.domain == domain]
            now = {place: number for number, place in enumerate(own)}
            yield (
                domain,
                SummedTexts(
                    documents=tuple(self.documents[place] for place in own),
                    sums=tuple(self.sums[place] for place in own),
                    partial=self.partial[own],
                    zero_places=tuple((now[place], token) for place, token in self.zero_places if place in now),
                    largest=tuple((now[place], blocks) for place, blocks in self.largest if place in now),
                ),
            )


def document_sums(texts: ScoredTexts, *, counted: Sequence[tuple[int, int]] | None = None) -> SummedTexts:
    """Sum each document.

    ``counted`` gives the words and bytes of each to divide by instead of those that
    were scored, for protocols whose denominator is another form of the text.
    """
    offsets = texts.offsets
    finite_S = np.isfinite(texts.nats)
    nats_S = texts.nats if finite_S.all() else np.where(finite_S, texts.nats, 0.0)
    covered = _covered(texts)
    words, n_bytes = zip(*counted, strict=True) if counted else (covered.words(offsets), covered.bytes(offsets))
    scored = np.diff(offsets)
    own = np.diff(texts.tokens.offsets) - texts.tokens.firsts
    weighted_S, weight_units_S = _weighted(nats_S, texts.weight)
    columns = (
        run_sums(units(weighted_S), offsets),
        [n << BITS for n in scored.tolist()] if weight_units_S is None else run_sums(weight_units_S, offsets),
        run_sums(units(bounded_product(weighted_S, nats_S)), offsets),
        scored.tolist(),
        run_sums((texts.weight != 1).astype(np.int64), offsets),
        (own - scored).tolist(),
        repeat(0),
        run_sums((~finite_S).astype(np.int64), offsets),
        repeat(0),
        n_bytes,
        covered.chars(offsets),
        words,
    )
    sums = tuple(Sums(*each) for each in zip(*columns, strict=False))
    return SummedTexts(
        documents=texts.documents,
        sums=sums,
        partial=texts.partial,
        zero_places=tuple(_zero_places(texts, ~finite_S, offsets)),
        largest=tuple(_largest(texts, sums, weighted_S, covered.bytes_S, offsets)),
    )


def bounded_product(one: Floats, other: Floats) -> Floats:
    """Products; where one is beyond what a float can hold, the largest float stands for
    it.
    """
    with np.errstate(over="ignore"):
        product = one * other
    return np.clip(product, -_MOST, _MOST, out=product)


def _weighted(nats_S: Floats, weight_S: Floats) -> tuple[Floats, Units | None]:
    """Surprisals by how often they count, and the units of the weights; ``None`` where
    all are 1.
    """
    if (weight_S == 1).all():
        return nats_S, None
    return bounded_product(nats_S, weight_S), units(weight_S)


def _zero_places(texts: ScoredTexts, zero_S: Bools, offsets: Ints) -> Iterator[tuple[int, int]]:
    for scored in np.flatnonzero(zero_S).tolist():
        place = int(np.searchsorted(offsets, scored, side="right")) - 1
        yield place, int(texts.index[scored] - texts.tokens.offsets[place] - texts.tokens.firsts[place])


@final
@dataclass(frozen=True, slots=True)
class _Covered:
    """What the scored tokens cover of their texts: bytes, characters, and words that
    begin there; shapes (S,).
    """

    bytes_S: Ints
    chars_S: Ints
    words_S: Ints

    def bytes(self, offsets: Ints) -> list[int]:
        return run_sums(self.bytes_S, offsets)

    def chars(self, offsets: Ints) -> list[int]:
        return run_sums(self.chars_S, offsets)

    def words(self, offsets: Ints) -> list[int]:
        return run_sums(self.words_S, offsets)


def _covered(texts: ScoredTexts) -> _Covered:
    encoded = [document.text.encode() for document in texts.documents]
    begins_D = np.cumsum([0, *map(len, encoded)])
    place_S = np.repeat(begins_D[:-1], np.diff(texts.offsets))
    stop_S = texts.tokens.byte_ends[texts.index] + place_S
    start_S = texts.tokens.byte_starts[texts.index] + place_S
    chars_Y, words_Y = _counted_before(np.frombuffer(b"".join(encoded), np.uint8), begins_D)
    return _Covered(stop_S - start_S, chars_Y[stop_S] - chars_Y[start_S], words_Y[stop_S] - words_Y[start_S])


def _counted_before(data_Y: NDArray[np.uint8], begins_D: Ints) -> tuple[Ints, Ints]:
    """How many characters, and how many words, begin before each byte of texts laid end
    to end; shapes (Y + 1,).
    """
    begins_Y = (data_Y & 0xC0) != 0x80  # in UTF-8, all but the first byte of a character begin with the bits 10
    point_C = data_Y if begins_Y.all() else np.frombuffer(data_Y.tobytes().decode().encode("utf-32-le"), np.uint32)
    blank_C = np.take(_IS_BLANK, point_C, mode="clip")
    after_blank_C = np.concatenate([[True], blank_C[:-1]])[: len(blank_C)]
    chars_Y = np.concatenate([[0], np.cumsum(begins_Y)])
    first_C = chars_Y[begins_D[:-1]]
    after_blank_C[first_C[first_C < len(after_blank_C)]] = True
    words_Y = np.zeros(len(data_Y), bool)
    words_Y[begins_Y] = after_blank_C & ~blank_C
    return chars_Y, np.concatenate([[0], np.cumsum(words_Y)])


def _largest(
    texts: ScoredTexts, sums: Sequence[Sums], nats_S: Floats, bytes_S: Ints, offsets: Ints
) -> Iterator[tuple[int, tuple[Block, ...]]]:
    """The places of the largest documents, and their blocks; all that are as large as
    the last of them.
    """
    sizes = [(-each.tokens, document.id) for each, document in zip(sums, texts.documents, strict=True)]
    last = nsmallest(LARGEST, sizes)[-1] if sizes else (0, "")
    for place in [place for place, size in enumerate(sizes) if size <= last]:
        own = slice(int(offsets[place]), int(offsets[place + 1]))
        yield place, _blocks(nats_S[own], texts.weight[own], bytes_S[own])


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
