"""Scores as plain numbers, for the answer cache: those of a row, those of a document.

Letters in shapes: N targets of a row, k alternatives, W 8-byte words.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Document, Floats, TokenizedTexts
from nonplus.measure.scores import Matches, Readings, ScoredTexts, Scores, joined

TEXTS = "texts-1"  # what `text_column` makes; another number for another layout
_WORD = 8  # bytes
_FIELDS = {"whole": list, "real": list, "first": int, "lost": list, "matches": bool}
_SOMETIMES = (int, type(None))
_HEADS = [_FIELDS | {"normalised": one, "alternatives": other} for one in _SOMETIMES for other in _SOMETIMES]


def columns_of(alternatives: int) -> int:
    """How many columns the scores of a row have; without alternatives, nats only."""
    return 3 + 2 * alternatives if alternatives else 1


def row_columns(scores: Scores) -> Floats:
    """Nats, then entropy, rank, the ids of the alternatives and their nats where there
    are readings; shape (N, ``columns_of(k)``).
    """
    read = scores.readings
    if read is None:
        return scores.nats[:, None]
    return np.column_stack([scores.nats, read.entropy, read.rank, read.top_ids, read.top_nats])


def row_scores(columns: Floats) -> Scores:
    """Inverse of :func:`row_columns`."""
    nats, read = columns[:, 0], columns[:, 1:]
    if not read.shape[1]:
        return Scores(nats)
    ids, top_nats = np.split(read[:, 2:], 2, axis=1)
    rank, top_ids = read[:, 1].astype(np.int64), ids.astype(np.int64)
    return Scores(nats, Readings(nats=nats, entropy=read[:, 0], rank=rank, top_ids=top_ids, top_nats=top_nats))


def text_column(texts: ScoredTexts) -> Floats:
    """A document, scored and alone in its batch, as one column of 8-byte words.

    First come the number of bytes of a JSON text that says how many of each number
    there are, and that text; then the numbers, each int64 or float64. Shape (W, 1).
    """
    tokens, read, matches = texts.tokens, texts.readings, texts.matches
    whole: list[NDArray[Any]] = [tokens.ids, tokens.byte_ends, texts.index, texts.seen, tokens.unknown, tokens.spelled]
    whole += [] if read is None else [read.rank, read.top_ids.ravel()]
    whole += [] if matches is None else [matches.length]
    real: list[NDArray[Any]] = [texts.nats, texts.weight]
    real += [] if read is None else [read.nats, read.entropy, read.top_nats.ravel()]
    real += [] if matches is None else [matches.backoff]
    head = {
        "whole": list(map(len, whole)),
        "real": list(map(len, real)),
        "first": int(tokens.firsts[0]),
        "lost": sorted(tokens.lost),
        "normalised": None if tokens.normalised_bytes is None else int(tokens.normalised_bytes[0]),
        "matches": matches is not None,
        "alternatives": None if read is None else read.top_ids.shape[1],
    }
    said = json.dumps(head).encode()
    said += b" " * (-len(said) % _WORD)
    content = np.int64(len(said)).tobytes() + said
    content += b"".join(column.astype("<i8").tobytes() for column in whole)
    content += b"".join(column.astype("<f8").tobytes() for column in real)
    return np.frombuffer(content, "<f8")[:, None]


def joined_texts(documents: Sequence[Document], columns: Sequence[Floats]) -> ScoredTexts:
    """Documents with the scores that :func:`text_column` made of each, in one batch.

    Raises:
        ValueError: a column has another layout. Whether its numbers can be scores is
            for the caller to check.
    """
    return _end_to_end([_text(*each) for each in zip(documents, columns, strict=True)])


def _text(document: Document, column_W1: Floats) -> ScoredTexts:
    word_W = np.ascontiguousarray(column_W1).ravel()
    head, word_W = _head(word_W)
    parts = _split(word_W, [*head["whole"], *head["real"]])
    whole = (next(parts).view("<i8") for _ in head["whole"])
    ids, ends, index, seen, unknown, spelled, *more_whole = whole
    nats, weight, *more_real = parts
    readings, k = None, head["alternatives"]
    if k is not None:
        (rank, top_ids, *more_whole), (read_nats, entropy, top_nats, *more_real) = more_whole, more_real
        shape = (len(nats), k)
        readings = Readings(read_nats, entropy, rank, top_ids.reshape(shape), top_nats.reshape(shape))
    normalised = head["normalised"]
    return ScoredTexts(
        tokens=TokenizedTexts(
            documents=(document,),
            ids=ids,
            byte_ends=ends,
            offsets=np.array([0, len(ids)]),
            firsts=np.array([head["first"]]),
            unknown=unknown,
            spelled=spelled,
            lost=frozenset(head["lost"]),
            normalised_bytes=None if normalised is None else np.array([normalised]),
        ),
        index=index,
        nats=nats,
        weight=weight,
        seen=seen,
        partial=np.zeros(1, bool),
        readings=readings,
        matches=Matches(more_whole[0], more_real[0]) if head["matches"] else None,
    )


def _head(word_W: Floats) -> tuple[dict[str, Any], Floats]:
    """What the JSON text of a column says, and the words after it."""
    said = int(word_W[:1].view("<i8").sum())
    if not 0 < said <= _WORD * (len(word_W) - 1):
        raise ValueError("its head is longer than it is")
    start = 1 + said // _WORD
    try:
        head = json.loads(word_W[1:start].tobytes())
    except RecursionError:
        raise ValueError("its head is nested too deeply") from None
    if not isinstance(head, dict) or {name: type(value) for name, value in head.items()} not in _HEADS:
        raise ValueError("its head has other fields")
    counts = [*head["whole"], *head["real"]]
    reads, matches = head["alternatives"] is not None, head["matches"]
    kinds = (6 + 2 * reads + matches, 2 + 3 * reads + matches)
    if (len(head["whole"]), len(head["real"])) != kinds or {*map(type, counts)} != {int} or min(counts) < 0:
        raise ValueError("its head has other columns")
    if sum(counts) != len(word_W) - start or {*map(type, head["lost"])} - {str}:
        raise ValueError("its head does not fit what follows")
    return head, word_W[start:]


def _split(word_W: Floats, counts: Sequence[int]) -> Iterator[Floats]:
    start = 0
    for count in counts:
        yield word_W[start : start + count]
        start += count


def _end_to_end(texts: Sequence[ScoredTexts]) -> ScoredTexts:
    """Documents of one model in one batch."""
    tokens = [each.tokens for each in texts]
    offsets = np.cumsum([0, *(len(each.ids) for each in tokens)])
    moved = list(zip(texts, offsets.tolist(), strict=False))
    readings = [each.readings for each in texts if each.readings is not None]
    matches = [each.matches for each in texts if each.matches is not None]
    normalised = [each.normalised_bytes for each in tokens if each.normalised_bytes is not None]
    return ScoredTexts(
        tokens=TokenizedTexts(
            documents=tuple(document for each in tokens for document in each.documents),
            ids=np.concatenate([each.ids for each in tokens]),
            byte_ends=np.concatenate([each.byte_ends for each in tokens]),
            offsets=offsets,
            firsts=np.concatenate([each.firsts for each in tokens]),
            unknown=np.concatenate([each.tokens.unknown + start for each, start in moved]),
            spelled=np.concatenate([each.tokens.spelled + start for each, start in moved]),
            lost=frozenset().union(*(each.lost for each in tokens)),
            normalised_bytes=np.concatenate(normalised) if normalised else None,
        ),
        index=np.concatenate([each.index + start for each, start in moved]),
        nats=np.concatenate([each.nats for each in texts]),
        weight=np.concatenate([each.weight for each in texts]),
        seen=np.concatenate([each.seen for each in texts]),
        partial=np.concatenate([each.partial for each in texts]),
        readings=joined(readings) if readings else None,
        matches=Matches(
            *(np.concatenate(column) for column in zip(*((m.length, m.backoff) for m in matches), strict=True))
        )
        if matches
        else None,
    )
