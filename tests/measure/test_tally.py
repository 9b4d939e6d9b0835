"""Tallies: the same bits in any order and any split."""

import math
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.records import Document, ScoredText, Tokens
from nonplus.measure.statistics.by_position import PositionTally
from nonplus.measure.statistics.document_sums import DocumentSums, document_sums
from nonplus.measure.statistics.fixed_point import unfixed
from nonplus.measure.statistics.tally import Tally


def scored(text: str, nats: list[float], *, ends: list[int] | None = None, first_scored: int = 0) -> ScoredText:
    """A text of which the tokens from ``first_scored`` on have the given surprisals."""
    n = first_scored + len(nats)
    stops = np.array(ends if ends is not None else [*range(1, n), len(text)])
    return ScoredText(
        tokens=Tokens(Document(text=text, id="a"), np.arange(n), stops, 0),
        index=np.arange(first_scored, n),
        nats=np.array(nats),
        weight=np.ones(len(nats)),
        seen=np.arange(first_scored, n),
        unscored=first_scored,
    )


def sums(id_: str, nats: float, tokens: int) -> DocumentSums:
    return DocumentSums(
        id=id_,
        domain="",
        nats=nats,
        tokens=float(tokens),
        scored=tokens,
        unscored=1,
        bytes=3 * tokens,
        chars=3 * tokens,
        words=tokens,
        squares=nats * nats,
        zeros=(),
        blocks=(),
        partial=False,
    )


documents = st.lists(
    st.builds(sums, st.text("abc", max_size=2), st.floats(0, 1e9), st.integers(1, 10**7)), min_size=1, max_size=30
)


@given(documents, st.randoms(use_true_random=False), st.data())
def test_any_order_and_any_split_give_the_same_bits(
    these: list[DocumentSums], random: "object", data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(these))
    cut = data.draw(st.integers(0, len(shuffled)))
    split = Tally.total(shuffled[:cut]) + Tally.total(shuffled[cut:])
    assert split == Tally.total(these) == reduce(add, map(Tally.of, these))


@given(documents)
def test_the_sum_is_that_of_exact_arithmetic(these: list[DocumentSums]) -> None:
    exact = math.fsum(d.nats for d in these)
    assert unfixed(Tally.total(these).nats) == pytest.approx(exact, rel=1e-15, abs=len(these) * 2**-40)


def test_counting_stays_exact_where_a_float32_count_would_stop() -> None:
    assert unfixed((Tally.of(sums("a", 1.0, 2**24)) + Tally.of(sums("b", 1.0, 1))).tokens) == 2**24 + 1


@given(st.text(min_size=1).filter(lambda t: t.isprintable()), st.data())
def test_scored_tokens_of_a_whole_text_cover_all_its_bytes_characters_and_words(text: str, data: st.DataObject) -> None:
    ends = [*sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5))), len(text)]
    total = document_sums(scored(text, [1.0] * len(ends), ends=ends))
    assert (total.bytes, total.chars, total.words) == (len(text.encode()), len(text), len(text.split()))


def test_text_before_the_first_scored_token_is_in_no_denominator() -> None:
    total = document_sums(scored("né à Rome", [1.0, 2.0], ends=[2, 4, 9], first_scored=1))
    assert (total.bytes, total.chars, total.words) == (len(" à Rome".encode()), 7, 2)


def test_a_token_of_probability_zero_is_counted_and_located_and_in_no_sum() -> None:
    total = document_sums(scored("abc", [1.0, math.inf, 2.0]))
    assert (total.nats, total.zeros, total.log_perplexity) == (3.0, (1,), math.inf)


def test_an_overflowing_perplexity_leaves_the_log_finite() -> None:
    total = document_sums(scored("ab", [1000.0, 1000.0]))
    assert (total.perplexity, total.log_perplexity) == (math.inf, 1000.0)


@given(st.lists(st.floats(0, 50), min_size=1, max_size=40))
def test_positions_partition_the_tokens(nats: list[float]) -> None:
    by_position = PositionTally()
    by_position.add(scored("x" * len(nats), nats))
    rows = by_position.rows()
    assert sum(row.tokens for row in rows) == len(nats)
    assert math.fsum(row.nats for row in rows) == pytest.approx(math.fsum(nats), abs=1e-9)
    for row in rows:
        inside = nats[row.seen_from : row.seen_to + 1]
        assert row.nats == pytest.approx(math.fsum(inside), abs=1e-9)
