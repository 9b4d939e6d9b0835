"""What one document adds up to."""

import math
from dataclasses import dataclass

import numpy as np

from nonplus.measure.records import Floats, Ints, ScoredText
from nonplus.measure.statistics.fixed_point import exp

_BLOCK = 512  # bytes; widths grow from here by doubling


_MOST_BLOCKS = 4096  # per document


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
