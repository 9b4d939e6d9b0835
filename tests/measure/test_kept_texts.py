"""What is kept of a scored text comes back to the last bit, and takes few bytes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.kept_texts import joined_texts, text_columns
from nonplus.measure.records import Document, TokenizedTexts
from nonplus.measure.scores import Matches, Readings, ScoredTexts

reals = st.floats(0, allow_nan=False) | st.sampled_from([0.0, 1.0, float(np.float32(0.1))])
wholes = st.integers(0, 300) | st.integers(0, (1 << 31) - 1)


@st.composite
def scored(draw: st.DrawFn) -> ScoredTexts:
    """Documents with any numbers that a scorer may give."""

    def column(values: st.SearchStrategy[Any], n: int, dtype: type = np.int64) -> np.ndarray:
        drawn = st.lists(values, min_size=n, max_size=n) | values.map(lambda value: [value] * n)
        return np.array(draw(drawn), dtype)

    def places(n: int) -> np.ndarray:
        return np.flatnonzero(column(st.booleans(), n, bool))

    counts = np.array(draw(st.lists(st.integers(0, 5), min_size=1, max_size=4)))
    offsets, t = np.concatenate([[0], np.cumsum(counts)]), int(counts.sum())
    firsts = np.array([draw(st.integers(0, n)) for n in counts.tolist()])
    ends = [np.cumsum(column(st.integers(0, 300), n)) for n in counts.tolist()]
    contexts = [np.arange(n) < first for n, first in zip(counts.tolist(), firsts.tolist(), strict=True)]
    index = np.array(
        [i for i in places(t).tolist() if not np.concatenate(contexts)[i]], draw(st.sampled_from([np.int32, np.int64]))
    )
    s, k = len(index), draw(st.none() | st.integers(0, 2))
    read = None
    if k is not None:
        top = column(wholes, s * k).reshape(s, k), column(reals, s * k, float).reshape(s, k)
        read = Readings(column(reals, s, float), column(reals, s, float), column(wholes, s), *top)
    return ScoredTexts(
        tokens=TokenizedTexts(
            documents=tuple(Document(text="x", id=str(n)) for n in range(len(counts))),
            ids=column(wholes, t),
            byte_ends=np.concatenate(ends),
            offsets=offsets,
            firsts=firsts,
            unknown=places(t),
            spelled=places(t),
            lost=draw(st.frozensets(st.sampled_from(["capitals", "accents"]))),
            normalised_bytes=draw(st.none() | st.just(counts)),
            sized=draw(st.booleans()),
        ),
        index=index,
        nats=column(reals, s, float),
        weight=np.broadcast_to(1.0, s) if draw(st.booleans()) else column(reals, s, float),
        seen=column(wholes, s),
        partial=np.zeros(len(counts), bool),
        readings=read,
        matches=draw(
            st.none() | st.just(Matches(column(st.integers(1, 5), s, np.uint8), 0.5 - column(reals, s, float)))
        ),
    )


def same(one: Any, other: Any) -> bool:
    return (one is None and other is None) or (one.shape == other.shape and (one == other).all())


@given(scored())
def test_all_of_many_documents_comes_back_to_the_last_bit(texts: ScoredTexts) -> None:
    kept = list(text_columns(texts))
    again = joined_texts(texts.documents, kept)
    for name in ("ids", "byte_ends", "offsets", "firsts", "unknown", "spelled", "normalised_bytes"):
        assert same(getattr(again.tokens, name), getattr(texts.tokens, name)), name
    assert (again.documents, again.tokens.lost) == (texts.documents, texts.tokens.lost)
    for name in ("index", "seen", "partial"):
        assert same(getattr(again, name), getattr(texts, name)), name
    for name in ("nats", "weight"):
        assert getattr(again, name).tobytes() == getattr(texts, name).tobytes()
    assert (again.matches is None) == (texts.matches is None)
    if again.matches and texts.matches:
        assert same(again.matches.length, texts.matches.length)
        assert again.matches.backoff.tobytes() == texts.matches.backoff.tobytes()
    assert (again.readings is None) == (texts.readings is None)
    if again.readings and texts.readings:
        assert all(map(same, again.readings.columns, texts.readings.columns))
    assert {kept.dtype for kept in (again.nats, again.weight)} == {np.dtype(np.float64)}


@given(scored(), st.data())
def test_a_document_comes_back_alone_as_among_others(texts: ScoredTexts, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(texts) - 1))
    (alone,) = joined_texts([texts.documents[place]], [list(text_columns(texts))[place]])
    (own,) = texts.part(place, place + 1)
    assert alone.nats.tolist() == own.nats.tolist()
    assert alone.index.tolist() == own.index.tolist()
    assert alone.tokens.byte_ends.tolist() == own.tokens.byte_ends.tolist()


def test_documents_of_two_models_are_not_joined() -> None:
    tokens = TokenizedTexts(
        documents=(Document(text="x"),),
        ids=np.array([0]),
        byte_ends=np.array([1]),
        offsets=np.array([0, 1]),
        firsts=np.array([0]),
    )
    one = ScoredTexts.complete(tokens, index=np.array([0]), nats=np.ones(1), seen=np.zeros(1, int))
    other = ScoredTexts.complete(
        tokens,
        index=np.array([0]),
        nats=np.ones(1),
        seen=np.zeros(1, int),
        matches=Matches(np.ones(1, int), np.zeros(1)),
    )
    kept = [column for texts in (one, other) for column in text_columns(texts)]
    with pytest.raises(ValueError, match="other fields than that of the text before it"):
        joined_texts([*one.documents] * 2, kept)


@pytest.mark.parametrize(("words", "width"), [(200, 1), (60_000, 2)])
def test_a_token_takes_a_byte_or_two_beside_its_surprisal(words: int, width: int) -> None:
    """Ids, widths, tokens seen, n-grams found; weights and steps take none."""
    n = 10_000
    tokens = TokenizedTexts(
        documents=(Document(text="x"),),
        ids=np.arange(n) * 7 % words,
        byte_ends=np.cumsum(np.arange(n) % 9),
        offsets=np.array([0, n]),
        firsts=np.array([0]),
    )
    nats, seen = np.random.default_rng(0).random(n), np.minimum(np.arange(n), 4)
    matches = Matches(1 + seen, np.float32(nats).astype(float))
    (kept,) = text_columns(ScoredTexts.complete(tokens, index=np.arange(n), nats=nats, seen=seen, matches=matches))
    assert kept.nbytes <= n * (width + 3 + 4 + 8) + 150
