"""Sums over blocks of bytes inside the largest documents.

Letters in shapes: S scored tokens.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest

import numpy as np

from nonplus.measure.records import Document, Floats, Ints, ScoredTexts
from nonplus.measure.statistics.sums import Sums

_BLOCK = 512  # bytes; widths grow from here by doubling
_MOST_BLOCKS = 4096  # per document
LARGEST = 20  # documents whose blocks are kept


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """Sums over a stretch of one document: nats, tokens (weighted), bytes."""

    nats: float
    tokens: float
    bytes: int


def largest_blocks(
    texts: ScoredTexts, sums: Sequence[Sums], nats_S: Floats, bytes_S: Ints, offsets: Ints
) -> Iterator[tuple[int, tuple[Block, ...]]]:
    """The places of the largest documents, and their blocks.

    They are the largest of all and of each domain, and those as large as the last of
    these, so that the choice does not depend on what else is in the batch.
    """
    sizes = [(-each.tokens, document.id) for each, document in zip(sums, texts.documents, strict=True)]
    chosen: set[int] = set()
    for group in (range(len(sizes)), *places_by_domain(texts.documents).values()):
        last = nsmallest(LARGEST, (sizes[place] for place in group))[-1:]
        chosen |= {place for place in group if [sizes[place]] <= last}
    for place in sorted(chosen):
        own = slice(int(offsets[place]), int(offsets[place + 1]))
        yield place, _blocks(nats_S[own], texts.weight[own], bytes_S[own])


def places_by_domain(documents: Sequence[Document]) -> dict[str, list[int]]:
    """The places of the documents of each domain that is named."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, document in enumerate(documents):
        if document.domain:
            places[document.domain].append(place)
    return dict(places)


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
