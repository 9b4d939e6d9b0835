"""Scored documents as bytes, for the answer cache: each column as narrow as its numbers
allow.

Of a document there come first the number of bytes of a JSON text, and that text: the
codes of the columns, how many tokens the document has, how many are scored, unknown and
special, and what else is one for a document. The columns follow, end to end, and zeros
up to a whole number of 8-byte words. A code is that of the module struct; with ``=``
before it, the column has the same number throughout, which is there once.

Letters in shapes: D documents, T tokens, S scored tokens, P unknown or special tokens,
k alternatives, W 8-byte words.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Document, Floats, Integers, Ints, TokenizedTexts
from nonplus.measure.scores import Matches, Readings, ScoredTexts

TEXTS = "texts-3"  # what `text_columns` makes; another number for another layout
_WORD = 8  # bytes
_WHOLE, _REAL = "BHIq", "fd"
_CODE = re.compile("(=?)(.)")
_COUNTS = ("tokens", "scored", "unknown", "spelled")
_MOST = 1 << 62
_HEADS = [
    (str, *[int] * 5, normalised, list, bool, alternatives, bool)
    for normalised in (int, type(None))
    for alternatives in (int, type(None))
]


class _Kind(NamedTuple):
    """Which codes a column may have, what it has a number for, and whether once is
    enough where all are the same.
    """

    codes: str
    of: Literal["tokens", "scored", "unknown", "spelled", "alternatives"]
    once: bool = False


_ALWAYS = (
    _Kind(_WHOLE, "tokens"),  # ids
    _Kind(_WHOLE, "tokens"),  # widths in bytes
    _Kind(_WHOLE, "unknown"),
    _Kind(_WHOLE, "spelled"),
    _Kind(_WHOLE, "scored", once=True),  # steps from one scored token to the next
    _Kind(_WHOLE, "scored", once=True),  # seen
    _Kind(_REAL, "scored", once=True),  # nats
    _Kind(_REAL, "scored", once=True),  # weight
)
_MATCHES = (_Kind(_WHOLE, "scored", once=True), _Kind(_REAL, "scored", once=True))
_READINGS = (
    _Kind(_REAL, "scored", once=True),
    _Kind(_REAL, "scored", once=True),
    _Kind(_WHOLE, "scored", once=True),
    _Kind(_WHOLE, "alternatives"),
    _Kind(_REAL, "alternatives"),
)


def text_columns(texts: ScoredTexts) -> Iterator[Floats]:
    """Each document as one column of 8-byte words, shape (W, 1)."""
    tokens, matches, read = texts.tokens, texts.matches, texts.readings
    bounds = {
        "tokens": tokens.offsets,
        "scored": texts.offsets,
        "unknown": np.searchsorted(tokens.unknown, tokens.offsets),
        "spelled": np.searchsorted(tokens.spelled, tokens.offsets),
    }
    columns: list[NDArray[Any]] = [
        tokens.ids,
        tokens.byte_ends - tokens.byte_starts,
        tokens.unknown - np.repeat(tokens.offsets[:-1], np.diff(bounds["unknown"])),
        tokens.spelled - np.repeat(tokens.offsets[:-1], np.diff(bounds["spelled"])),
        _steps(texts),
        texts.seen,
        texts.nats,
        texts.weight,
        *(() if matches is None else (matches.length, matches.backoff)),
        *(() if read is None else (read.nats, read.entropy, read.rank, read.top_ids, read.top_nats)),
    ]
    kinds = _kinds(matches=matches is not None, alternatives=read is not None)
    narrow = [_narrowed(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    cuts = [bounds["scored" if kind.of == "alternatives" else kind.of].tolist() for kind in kinds]
    shared = {
        "lost": sorted(tokens.lost),
        "matches": matches is not None,
        "alternatives": None if read is None else read.top_ids.shape[1],
        "sized": tokens.sized,
    }
    codes = "".join(code for code, _ in narrow)
    counts_D4 = np.stack([np.diff(bounds[name]) for name in _COUNTS], axis=1).tolist()
    normalised = [None] * len(texts) if tokens.normalised_bytes is None else tokens.normalised_bytes.tolist()
    for place, first in enumerate(tokens.firsts.tolist()):
        said = json.dumps([codes, *counts_D4[place], first, normalised[place], *shared.values()]).encode()
        content = np.int64(len(said)).tobytes() + said
        content += b"".join(
            (column if code[0] == "=" else column[cut[place] : cut[place + 1]]).tobytes()
            for (code, column), cut in zip(narrow, cuts, strict=True)
        )
        yield np.frombuffer(content + bytes(-len(content) % _WORD), "<f8")[:, None]


def _kinds(*, matches: bool, alternatives: bool) -> tuple[_Kind, ...]:
    """Those of the columns, in order."""
    return _ALWAYS + _MATCHES * matches + _READINGS * alternatives


def _steps(texts: ScoredTexts) -> Integers:
    """How far each scored token is from the one before it, or from the context: 1 where
    all are scored.
    """
    begins = texts.offsets[:-1]
    own = np.diff(texts.offsets) > 0
    before_S = np.roll(texts.index, 1)
    before_S[begins[own]] = (texts.tokens.offsets[:-1] + texts.tokens.firsts)[own] - 1
    return texts.index - before_S


def _narrowed(column: NDArray[Any], kind: _Kind) -> tuple[str, NDArray[Any]]:
    """A code and what it stands for, with all of the bits."""
    codes = [code for code in kind.codes if _fits(column, np.dtype(f"<{code}"))]
    narrow = column.astype(f"<{codes[0]}", copy=False)
    flat = np.ascontiguousarray(narrow[:1]).tobytes()
    same = kind.once and len(narrow) and narrow.tobytes() == flat * len(narrow)
    return (f"={codes[0]}", narrow[:1]) if same else (codes[0], narrow)


def _fits(column: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    """Whether a column comes back from that dtype as it was."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return bool((column.astype(dtype) == column).all()) or dtype.itemsize == _WORD
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    return not len(column) or bool(least <= column.min(initial=0) and column.max(initial=0) <= most)


@final
@dataclass(frozen=True, slots=True)
class _Kept:
    """A document as it was kept."""

    counts: tuple[int, int, int, int]
    first: int
    normalised: int | None
    matches: bool
    alternatives: int | None
    lost: Sequence[str]
    sized: bool
    columns: Sequence[NDArray[Any]]

    @property
    def kind(self) -> tuple[object, ...]:
        """What documents of one model have in common."""
        return self.matches, self.alternatives, self.normalised is None, self.sized


def joined_texts(documents: Sequence[Document], columns: Sequence[Floats]) -> ScoredTexts:
    """Documents with the scores that :func:`text_columns` made of each, in one batch.

    Raises:
        ValueError: a column has another layout. Whether its numbers can be scores is
            for the caller to check.
    """
    kept = [_read(column_W1.tobytes()) for column_W1 in columns]
    if len({each.kind for each in kept}) > 1:
        raise ValueError("its head has other fields than that of the text before it")
    counts_D4 = np.array([each.counts for each in kept], np.int64)
    firsts = np.array([each.first for each in kept], np.int64)
    offsets, scored, unknown, spelled = np.concatenate([np.zeros((1, 4), np.int64), np.cumsum(counts_D4, axis=0)]).T
    wide = [_wide(own) for own in zip(*(each.columns for each in kept), strict=True)]
    ids, widths, unknown_P, spelled_P, steps, seen, nats, weight, *others = wide
    found, read = others[: 2 * kept[0].matches], others[2 * kept[0].matches :]
    if read:
        shape = (len(nats), kept[0].alternatives or 0)
        read[3:] = (read[3].reshape(shape), read[4].reshape(shape))
    begin_D = offsets[:-1]
    return ScoredTexts(
        tokens=TokenizedTexts(
            documents=tuple(documents),
            ids=ids,
            byte_ends=_summed(widths, offsets),
            offsets=offsets,
            firsts=firsts,
            unknown=unknown_P + np.repeat(begin_D, np.diff(unknown)),
            spelled=spelled_P + np.repeat(begin_D, np.diff(spelled)),
            lost=frozenset().union(*(each.lost for each in kept)),
            normalised_bytes=None if kept[0].normalised is None else np.array([each.normalised for each in kept]),
            sized=kept[0].sized,
        ),
        index=_summed(steps, scored) + np.repeat(begin_D + firsts - 1, np.diff(scored)),
        nats=nats,
        weight=weight,
        seen=seen,
        partial=np.zeros(len(kept), bool),
        readings=Readings(*read) if read else None,
        matches=Matches(*found) if found else None,
    )


def _wide(columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """A column of all documents in 8-byte numbers."""
    with np.errstate(invalid="ignore"):  # NaN that no run has written may be a signalling one
        column = np.concatenate(columns)
        return column.astype(np.float64 if column.dtype.kind == "f" else np.int64)


def _summed(steps: Ints, offsets: Ints) -> Ints:
    """The sum of the steps up to each, those of each document by themselves."""
    sums: Ints = np.concatenate([[0], np.cumsum(steps)])
    before: Ints = np.repeat(sums[offsets[:-1]], np.diff(offsets))
    return sums[1:] - before


def _read(content: bytes) -> _Kept:
    """What a document was kept as."""
    start = _WORD + int.from_bytes(content[:_WORD], "little")
    if not _WORD < start <= len(content):
        raise ValueError("its head is longer than it is")
    try:
        head = json.loads(content[_WORD:start])
    except RecursionError:
        raise ValueError("its head is nested too deeply") from None
    if not isinstance(head, list) or tuple(map(type, head)) not in _HEADS:
        raise ValueError("its head has other fields")
    codes, *counts, first, normalised, lost, matches, alternatives, sized = head
    if {*map(type, lost)} - {str}:
        raise ValueError("its head has other fields")
    tokens, scored, *marked = counts
    numbers = (*counts, first, normalised or 0, alternatives or 0)
    if min(numbers) < 0 or max(numbers) > _MOST or max(scored, first, *marked) > tokens:
        raise ValueError("its head has other numbers")
    of = {**dict(zip(_COUNTS, counts, strict=True)), "alternatives": scored * (alternatives or 0)}
    kinds = _kinds(matches=matches, alternatives=alternatives is not None)
    columns = tuple(_columns(content[start:], _CODE.findall(codes), kinds, of))
    return _Kept(tuple(counts), first, normalised, matches, alternatives, lost, sized, columns)


def _columns(
    content: bytes, codes: Sequence[tuple[str, str]], kinds: Sequence[_Kind], counts: Mapping[str, int]
) -> Iterator[NDArray[Any]]:
    """The columns, which fill ``content`` up to its last word."""
    if len(codes) != len(kinds) or any(code not in kind.codes for (_, code), kind in zip(codes, kinds, strict=True)):
        raise ValueError("its head has other columns")
    start = 0
    for (once, code), kind in zip(codes, kinds, strict=True):
        if once and not kind.once:
            raise ValueError("its head has other columns")
        count, dtype = counts[kind.of], np.dtype(f"<{code}")
        stop = start + dtype.itemsize * (1 if once else count)
        if stop > len(content):
            raise ValueError("its head does not fit what follows")
        own = np.frombuffer(content[start:stop], dtype)
        yield np.repeat(own, count) if once else own
        start = stop
    if len(content) - start >= _WORD:
        raise ValueError("its head does not fit what follows")
