"""What each document of a batch adds up to: exact whole numbers.

Letters in shapes: D documents, T tokens, S scored tokens, P places.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar, final

import numpy as np

from nonplus.measure.records import Bools, Document, Ints, TokenizedTexts
from nonplus.measure.scores import ScoredTexts
from nonplus.measure.statistics.covered_text import covered_text
from nonplus.measure.statistics.fixed_point import (
    Units,
    blocks,
    bounded_product,
    exp,
    run_sums,
    run_weights,
    units,
    weighted,
)
from nonplus.measure.statistics.native_sums import sums_of_runs
from nonplus.measure.statistics.stretches import FEW, Blocks, Stretch, block_bounds
from nonplus.measure.statistics.sums import (
    PLACES,
    Sums,
    SumsOfTexts,
    counted_tokens,
    log_perplexity,
    nats_per,
    total_nats,
)

T = TypeVar("T")
_Columns = dict[str, Units]  # sums of runs by name


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
        """Surprisal of all scored tokens; infinite with a token of probability 0."""
        return total_nats(self.sums)

    @property
    def tokens(self) -> float:
        """Scored tokens as the protocol counts them."""
        return counted_tokens(self.sums)

    @property
    def log_perplexity(self) -> float | None:
        """Nats per token; ``None`` where nothing was scored."""
        return log_perplexity(self.sums)

    @property
    def perplexity(self) -> float | None:
        """Perplexity per token; ``None`` where nothing was scored."""
        log = self.log_perplexity
        return None if log is None else exp(log)

    @property
    def bits_per_byte(self) -> float | None:
        """Surprisal in bits per byte; ``None`` unless each token counts once."""
        nats = nats_per(self.sums, self.sums.bytes, unknown=self.sums.unsized)
        return None if nats is None else nats / math.log(2)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SummedTexts:
    """What each document of a batch adds up to: ``sums`` (D,), and the rest of
    :class:`DocumentSums` as columns.

    ``zero_places``, ``unknown_places`` and ``spelled_places`` are pairs of a document
    and a token of it. ``stretches`` are those of the documents that are alone or two,
    in the batch or in their domain. ``blocks`` are of a document that comes in parts.
    """

    documents: tuple[Document, ...]
    sums: SumsOfTexts
    partial: Bools
    zero_places: tuple[tuple[int, int], ...]
    unknown_places: tuple[tuple[int, int], ...] = ()
    spelled_places: tuple[tuple[int, int], ...] = ()
    stretches: tuple[tuple[int, tuple[Stretch, ...]], ...]
    blocks: Blocks | None = None

    def __iter__(self) -> Iterator[DocumentSums]:
        """The documents one by one."""
        zeros: defaultdict[int, list[int]] = defaultdict(list)
        for place, token in self.zero_places:
            zeros[place].append(token)
        for place, (document, sums) in enumerate(zip(self.documents, self.sums, strict=True)):
            yield DocumentSums(
                id=document.id,
                domain=document.domain,
                sums=sums,
                zero_places=tuple(zeros.get(place, ())),
                partial=bool(self.partial[place]),
            )

    def by_domain(self) -> "Iterator[tuple[str, SummedTexts]]":
        """The documents of each domain, those without one left aside."""
        places = _places_by_domain(self.documents)
        homes = {place: (domain, n) for domain, own in places.items() for n, place in enumerate(own)}
        zeros, unknown = _by_domain(self.zero_places, homes), _by_domain(self.unknown_places, homes)
        spelled, few = _by_domain(self.spelled_places, homes), _by_domain(self.stretches, homes)
        for domain, own in places.items():
            yield (
                domain,
                SummedTexts(
                    documents=tuple(self.documents[place] for place in own),
                    sums=self.sums.at(own),
                    partial=self.partial[own],
                    zero_places=tuple(zeros[domain]),
                    unknown_places=tuple(unknown[domain]),
                    spelled_places=tuple(spelled[domain]),
                    stretches=tuple(few[domain]),
                ),
            )


def _by_domain(
    pairs: Iterable[tuple[int, T]], homes: Mapping[int, tuple[str, int]]
) -> defaultdict[str, list[tuple[int, T]]]:
    """What goes with each document of a domain, beside its place there."""
    found: defaultdict[str, list[tuple[int, T]]] = defaultdict(list)
    for place, value in pairs:
        if place in homes:
            domain, n = homes[place]
            found[domain].append((n, value))
    return found


def document_sums(
    texts: ScoredTexts, *, counted: Sequence[tuple[int, int] | None] = (), before: int = 0
) -> SummedTexts:
    """Sum each document, or the part of one that follows ``before`` scored tokens.

    ``counted`` gives, for documents where it is not ``None``, the words and bytes to
    divide by instead of those that were scored, for protocols whose denominator is
    another form of the text.
    """
    offsets = texts.offsets
    scored = np.diff(offsets)
    own = np.diff(texts.tokens.offsets) - texts.tokens.firsts
    columns = (
        _added(len(texts), _surprisals(texts, offsets), _of_unknown(texts, offsets))
        | _coverage(texts)
        | _match_lengths(texts, offsets)
        | {
            "scored": scored.tolist(),
            "unscored": (own - scored).tolist(),
            "unknown": np.diff(np.searchsorted(texts.tokens.unknown, texts.tokens.offsets)).tolist(),
            "spelled": np.diff(np.searchsorted(texts.tokens.spelled, texts.tokens.offsets)).tolist(),
        }
    )
    if texts.tokens.normalised_bytes is not None:
        columns["normalised_bytes"] = texts.tokens.normalised_bytes.tolist()
    if not texts.tokens.sized:
        columns |= {"unsized": columns["scored"], "unworded": columns["scored"]}
    for place, other in enumerate(counted):
        if other is not None:
            columns["words"][place], columns["bytes"][place] = other
    sums = SumsOfTexts(columns, len(texts))
    few = _few(texts.documents, sums.column("scored"))
    blocks = {place: _blocks(texts, *offsets[[place, place + 1]].tolist(), before=before) for place in few}
    return SummedTexts(
        documents=texts.documents,
        sums=sums,
        partial=texts.partial | (not texts.tokens.of.last),
        zero_places=_located(texts.tokens, texts.index[np.isinf(texts.nats)].astype(np.int64)),
        unknown_places=_located(texts.tokens, texts.tokens.unknown),
        spelled_places=_located(texts.tokens, texts.tokens.spelled),
        stretches=tuple((place, own.quarters(columns["scored"][place])) for place, own in blocks.items()),
        blocks=blocks.get(0),
    )


def _surprisals(texts: ScoredTexts, offsets: Ints) -> Iterator[tuple[slice, _Columns]]:
    """Sums over runs of scored tokens; without C, a block of them at a time."""
    at_once = sums_of_runs(texts.nats, texts.weight, offsets)
    if at_once is not None:
        yield slice(0, len(offsets) - 1), at_once
        return
    for values, owners, runs in blocks(offsets):
        nats_S, weight_S = texts.nats[values], texts.weight[values]
        finite_S = np.isfinite(nats_S)
        nats_S = np.where(finite_S, nats_S, 0.0)
        weighted_S = weighted(nats_S, weight_S)
        columns = {
            "nats": run_sums(units(weighted_S), runs),
            "tokens": run_weights(weight_S, runs),
            "squares": run_sums(units(bounded_product(weighted_S, nats_S)), runs),
            "weighted": _count(weight_S != 1, runs),
            "zeros": _count(~finite_S, runs),
        }
        yield owners, columns


def _count(true_S: Bools, runs: Ints) -> Units:
    """How many are true in each run."""
    return np.diff(np.searchsorted(np.flatnonzero(true_S), runs))


def _coverage(texts: ScoredTexts) -> dict[str, list[int]]:
    covered = covered_text(texts)
    return {
        "bytes": covered.bytes_D.tolist(),
        "chars": covered.chars_D.tolist(),
        "words": covered.words_D.tolist(),
    }


def _of_unknown(texts: ScoredTexts, offsets: Ints) -> Iterator[tuple[slice, _Columns]]:
    """Sums over the scored tokens of each document that are unknown."""
    if not len(texts.tokens.unknown):
        return
    unknown = texts.tokens.unknown.astype(texts.index.dtype)
    place_P, after_P = (np.searchsorted(texts.index, unknown, side=side) for side in ("left", "right"))
    place_P = place_P[after_P > place_P]
    runs = np.searchsorted(place_P, offsets)
    nats_P, weight_P = texts.nats[place_P], texts.weight[place_P]
    finite_P = np.isfinite(nats_P)
    columns = {
        "unknown_nats": run_sums(units(bounded_product(np.where(finite_P, nats_P, 0.0), weight_P)), runs),
        "unknown_weight": run_weights(weight_P, runs),
        "unknown_zeros": _count(~finite_P, runs),
    }
    yield slice(0, len(texts)), columns


def _match_lengths(texts: ScoredTexts, offsets: Ints) -> dict[str, list[int]]:
    """How many tokens of each document n-grams were found for, and how long these
    are.
    """
    if texts.matches is None:
        return {}
    length_S = texts.matches.length.astype(np.int64)
    return {"matched": np.diff(offsets).tolist(), "match_lengths": run_sums(length_S, offsets).tolist()}


def _added(runs: int, *parts: Iterable[tuple[slice, _Columns]]) -> dict[str, list[int]]:
    """Sums of all runs by name, from columns of those in each block."""
    columns: defaultdict[str, list[tuple[slice, Units]]] = defaultdict(list)
    for owners, of_block in chain(*parts):
        for name, column in of_block.items():
            columns[name].append((owners, column))
    return {name: _column(runs, of_blocks) for name, of_blocks in columns.items()}


def _column(runs: int, of_blocks: Sequence[tuple[slice, Units]]) -> list[int]:
    """Sums of all runs from those in each block, none of which is below 0."""
    most = sum(int(column.max(initial=0)) for _, column in of_blocks)
    added: Units = np.zeros(runs, np.int64 if most < 1 << 63 else object)
    for owners, column in of_blocks:
        added[owners] += column.astype(added.dtype, copy=False)
    whole: list[int] = added.tolist()
    return whole


def _blocks(texts: ScoredTexts, begin: int, end: int, *, before: int) -> Blocks:
    width, bounds = block_bounds(begin, end, before=before)
    sums = _added(len(bounds) - 1, _surprisals(texts, bounds))
    return Blocks(width, tuple(map(Stretch, sums["nats"], sums["tokens"])))


def _few(documents: Sequence[Document], scored: Sequence[int]) -> list[int]:
    """The places of documents that are alone or two, in the batch or their domain."""
    groups = (range(len(documents)), *_places_by_domain(documents).values())
    begun = ([place for place in group if scored[place]] for group in groups)
    return sorted({place for own in begun if len(own) <= FEW for place in own})


def _places_by_domain(documents: Sequence[Document]) -> dict[str, list[int]]:
    """The places of the documents of each domain that is named."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, document in enumerate(documents):
        if document.domain:
            places[document.domain].append(place)
    return dict(places)


def _located(tokens: TokenizedTexts, places: Ints) -> tuple[tuple[int, int], ...]:
    """Places in the ids, each as a document and a token of its text: the first few of
    every document.
    """
    begin_D = np.searchsorted(places, tokens.offsets)
    document_P = np.repeat(np.arange(len(tokens)), np.diff(begin_D))
    first_P = np.arange(len(places)) - begin_D[document_P] < PLACES
    places, document_P = places[first_P], document_P[first_P]
    token_P = places - tokens.offsets[document_P] - tokens.firsts[document_P] + tokens.of.tokens
    return tuple(zip(document_P.tolist(), token_P.tolist(), strict=True))
