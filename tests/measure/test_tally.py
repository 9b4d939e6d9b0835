"""Tallies: the same bits in any order and any split."""

import math
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus import native
from nonplus.measure.records import Document, TokenizedTexts
from nonplus.measure.scores import ScoredTexts
from nonplus.measure.statistics import covered_text, fixed_point, native_sums
from nonplus.measure.statistics.by_position import PositionTally
from nonplus.measure.statistics.document_sums import DocumentSums, document_sums
from nonplus.measure.statistics.fixed_point import fixed, unfixed
from nonplus.measure.statistics.sums import Sums
from nonplus.measure.statistics.tally import Tally
from nonplus.measure.weights import once


@pytest.fixture(params=["C", "Python"], scope="module", autouse=True)
def kernel(request):
    """Every test of this file with the C kernel and without it."""
    cached = native.library, native_sums.functions
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NONPLUS_NATIVE", "1" if request.param == "C" else "0")
        for function in cached:
            function.cache_clear()
        if request.param == "C" and native_sums.functions() is None:
            pytest.skip("the C kernel is not built")
        yield
    for function in cached:
        function.cache_clear()


@dataclass(frozen=True)
class Text:
    """A document, the character at which each of its tokens ends, and surprisals from
    ``first_scored`` on.
    """

    text: str
    nats: list[float]
    ends: list[int]
    first_scored: int = 0
    id: str = "a"
    domain: str = ""
    weight: float = 1.0


def batch(texts: list[Text]) -> ScoredTexts:
    counts = [len(each.ends) for each in texts]
    offsets = np.cumsum([0, *counts])
    byte_ends = [len(each.text[:end].encode()) for each in texts for end in each.ends]
    seen = [np.arange(each.first_scored, len(each.ends)) for each in texts]
    return ScoredTexts(
        tokens=TokenizedTexts(
            documents=tuple(Document(text=each.text, id=each.id, domain=each.domain) for each in texts),
            ids=np.arange(sum(counts)),
            byte_ends=np.array(byte_ends, np.int64),
            offsets=offsets,
            firsts=np.zeros(len(texts), np.int64),
        ),
        index=np.concatenate([place + start for place, start in zip(seen, offsets, strict=False)]),
        nats=np.array([nats for each in texts for nats in each.nats]),
        weight=np.array([each.weight for each in texts for _ in each.nats]),
        seen=np.concatenate(seen),
        partial=np.zeros(len(texts), bool),
    )


def scored(text: str, nats: list[float], *, ends: list[int] | None = None, first_scored: int = 0) -> ScoredTexts:
    """One text of which the tokens from ``first_scored`` on have these surprisals."""
    n = first_scored + len(nats)
    return batch([Text(text, nats, ends if ends is not None else [*range(1, n), len(text)], first_scored)])


def of_one(texts: ScoredTexts) -> DocumentSums:
    (sums,) = document_sums(texts)
    return sums


@st.composite
def texts(draw: st.DrawFn) -> Text:
    text = draw(st.text("ab é\u3000\n🦜", min_size=1, max_size=12))
    ends = [*sorted(draw(st.lists(st.integers(0, len(text)), max_size=5))), len(text)]
    first = draw(st.integers(0, len(ends)))
    nats = draw(st.lists(st.floats(0, 1e9) | st.just(math.inf), min_size=len(ends) - first, max_size=len(ends) - first))
    id_, domain = draw(st.text("abc", max_size=2)), draw(st.sampled_from(["", "x", "y"]))
    return Text(text, nats, ends, first, id_, domain, draw(st.sampled_from([1.0, 1.0, 2 / 3])))


def tally(these: list[Text]) -> Tally:
    return Tally.of(document_sums(batch(these))) if these else Tally()


documents = st.lists(texts(), min_size=1, max_size=30)
# All blanks, and characters of which one could think so or that begin like them.
ALIKE = "".join(c for c in map(chr, range(0x11000)) if c.isspace()) + "a\u200b\u180e\u2060\x1b\x84\u1681\u3001é🦜"


@given(documents, st.data())
def test_any_order_and_any_split_give_the_same_bits(these: list[Text], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(these))
    cut = data.draw(st.integers(0, len(shuffled)))
    split = tally(shuffled[:cut]) + tally(shuffled[cut:])
    assert split == tally(these) == reduce(add, (tally([each]) for each in these))


def test_documents_of_equal_size_beyond_those_whose_blocks_are_kept_are_chosen_in_any_order_alike() -> None:
    these = [Text("a" * 600, [1.0, 2.0], [300, 600], id=f"{place:02}") for place in range(25)]
    assert tally(these) == tally(these[::-1]) == tally(these[20:]) + tally(these[:20])


@given(documents)
def test_the_sums_are_those_of_the_documents_counted_one_token_after_the_other(these: list[Text]) -> None:
    """The oracle: plain loops over tokens, each rounded by itself; words by what Python
    splits.
    """
    for each, sums in zip(these, document_sums(batch(these)), strict=True):
        counted = sums.sums
        finite = [nats for nats in each.nats if nats < math.inf]
        start = each.ends[each.first_scored - 1] if each.first_scored else 0
        after = each.text[start:]
        begins_inside_a_word = start > 0 and not each.text[start - 1].isspace() and after[:1].strip()
        assert counted.nats == sum(fixed(nats * each.weight) for nats in finite)
        assert counted.squares == sum(fixed(nats * each.weight * nats) for nats in finite)
        assert counted.tokens == len(each.nats) * fixed(each.weight)
        assert counted.zeros == len(each.nats) - len(finite)
        assert counted.weighted == (0 if each.weight == 1 else len(each.nats))
        if each.nats:
            assert (counted.bytes, counted.chars) == (len(after.encode()), len(after))
            assert counted.words == len(after.split()) - bool(begins_inside_a_word)
        assert (counted.scored, counted.unscored) == (len(each.nats), each.first_scored)


@given(documents, st.integers(1, 9))
def test_sums_are_the_same_in_blocks_of_any_size(these: list[Text], size: int) -> None:
    whole, positions = document_sums(batch(these)), PositionTally.of(batch(these))
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(fixed_point, "_BLOCK", size)
        in_blocks = document_sums(batch(these))
        assert PositionTally.of(batch(these)) == positions
    for name in ("sums", "zero_places", "stretches"):
        assert getattr(in_blocks, name) == getattr(whole, name)


@given(documents)
def test_domains_part_the_documents_that_name_one(these: list[Text]) -> None:
    parts = {domain: Tally.of(own) for domain, own in document_sums(batch(these)).by_domain()}
    assert parts == {
        domain: tally([each for each in these if each.domain == domain])
        for domain in dict.fromkeys(each.domain for each in these if each.domain)
    }


def test_a_domain_has_the_same_blocks_whatever_else_is_in_its_batch() -> None:
    small = Text("a" * 1200, [1.0, 2.0, 3.0], [400, 800, 1200], id="small", domain="x")
    large = [Text("b" * 3000, [9.0, 8.0, 7.0, 6.0], [700, 1400, 2100, 3000], id=f"{i}", domain="y") for i in range(30)]
    alone, among = (dict(document_sums(batch(these)).by_domain())["x"] for these in ([small], [small, *large]))
    assert Tally.of(alone) == Tally.of(among)
    assert Tally.of(among).largest


def test_many_domains_and_many_tokens_of_probability_zero_take_linear_time() -> None:
    many = [Text("a", [math.inf], [1], id=f"{i}", domain=f"domain {i}") for i in range(3000)]
    sums = document_sums(batch([*many, Text("b" * 30000, [math.inf] * 30000, [*range(1, 30001)], id="zeros")]))
    assert len(dict(sums.by_domain())) == 3000
    assert Tally.of(sums).zeros == 33000
    assert [place for place in sums.zero_places if place[0] == 3000] == [(3000, token) for token in range(5)]


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=30))
def test_the_sum_is_that_of_exact_arithmetic(nats: list[float]) -> None:
    total = of_one(scored("x" * len(nats), nats))
    assert total.nats == pytest.approx(math.fsum(nats), rel=1e-15, abs=len(nats) * 2**-40)


def test_counting_stays_exact_where_a_float32_count_would_stop() -> None:
    many, one = (Tally.of_sums([Sums(nats=0, tokens=n << 40, squares=0, scored=n)]) for n in (2**24, 1))
    assert unfixed((many + one).tokens) == 2**24 + 1


@given(st.text(min_size=1).filter(lambda t: t.isprintable()), st.data())
def test_scored_tokens_of_a_whole_text_cover_all_its_bytes_characters_and_words(text: str, data: st.DataObject) -> None:
    ends = [*sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5))), len(text)]
    total = of_one(scored(text, [1.0] * len(ends), ends=ends)).sums
    assert (total.bytes, total.chars, total.words) == (len(text.encode()), len(text), len(text.split()))


@given(st.lists(st.text(ALIKE, min_size=1, max_size=9), min_size=1, max_size=4), st.integers(1, 9))
def test_words_end_at_every_blank_that_python_knows_in_blocks_of_any_size(these: list[str], size: int) -> None:
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(covered_text, "_BLOCK", size)
        sums = document_sums(batch([Text(each, [1.0, 1.0], [len(each) // 2, len(each)]) for each in these])).sums
    assert [(each.chars, each.words) for each in sums] == [(len(each), len(each.split())) for each in these]


@given(documents, st.data())
def test_tokens_that_were_left_out_cover_nothing(these: list[Text], data: st.DataObject) -> None:
    """The oracle: each scored token alone."""
    whole = batch(these)
    kept = np.array(sorted(data.draw(st.sets(st.sampled_from([*range(len(whole.index))])))) if len(whole.index) else [])
    texts = replace(
        whole, **{name: getattr(whole, name)[kept.astype(int)] for name in ("index", "nats", "weight", "seen")}
    )
    ends, starts = whole.tokens.byte_ends, whole.tokens.byte_starts
    for place, sums in enumerate(document_sums(texts).sums):
        data_, own = these[place].text.encode(), whole.tokens.offsets[place : place + 2]
        index = [i for i in texts.index.tolist() if own[0] <= i < own[1]]
        inside = [byte for i in index for byte in range(starts[i], ends[i])]
        characters = [len(data_[:byte].decode()) for byte in inside if data_[byte] & 0xC0 != 0x80]
        text = " " + these[place].text
        words = [c for c in characters if text[c].isspace() and not text[c + 1].isspace()]
        assert (sums.bytes, sums.chars, sums.words) == (len(inside), len(characters), len(words))


def test_text_before_the_first_scored_token_is_in_no_denominator() -> None:
    total = of_one(scored("né à Rome", [1.0, 2.0], ends=[2, 4, 9], first_scored=1)).sums
    assert (total.bytes, total.chars, total.words) == (len(" à Rome".encode()), 7, 2)


def test_a_token_of_probability_zero_is_counted_and_located_and_in_no_sum() -> None:
    total = of_one(scored("abc", [1.0, math.inf, 2.0]))
    assert (unfixed(total.sums.nats), total.zero_places, total.log_perplexity) == (3.0, (1,), math.inf)
    assert total.nats == math.inf


def test_an_overflowing_perplexity_leaves_the_log_finite() -> None:
    total = of_one(scored("ab", [1000.0, 1000.0]))
    assert (total.perplexity, total.log_perplexity) == (math.inf, 1000.0)


@given(st.lists(st.floats(0, 50), min_size=1, max_size=40))
def test_positions_partition_the_tokens(nats: list[float]) -> None:
    by_position = PositionTally.of(scored("x" * len(nats), nats))
    rows = by_position.rows()
    assert sum(row.tokens for row in rows) == len(nats)
    assert math.fsum(row.nats for row in rows) == pytest.approx(math.fsum(nats), abs=1e-9)
    for row in rows:
        inside = nats[row.seen_from : row.seen_to + 1]
        assert row.nats == pytest.approx(math.fsum(inside), abs=1e-9)


def test_sums_that_are_too_large_for_a_block_in_one_number_may_be_small_for_each_document() -> None:
    n = 1 << 10
    texts = [Text("a" * n, [30.0] * n, list(range(1, n + 1)), id=f"{i}") for i in range(32)]
    sums = document_sums(batch(texts)).sums
    assert [each.squares for each in sums] == [fixed(900.0) * n] * 32


SURPRISAL = st.one_of(
    st.floats(0, 60),
    st.integers(0, 1 << 53).map(lambda halves: halves / 2**41),  # ties between two units
    st.sampled_from([math.inf, 45.2, 2047.9999, 2048.0, 2.0**22, 1e9, 1e308]),
)


@given(
    rows=st.lists(st.tuples(SURPRISAL, st.sampled_from([1.0, 0.0, 0.1, 3e6]), st.integers(0, 1 << 40)), min_size=1),
    few=st.integers(0, 3),
    narrow=st.booleans(),
    all_once=st.booleans(),
)
def test_sums_of_documents_and_positions_are_those_of_each_token_rounded_by_itself(rows, few, narrow, all_once):
    nats, weight, seen = (list(column) for column in zip(*rows, strict=True))
    weight = [1.0] * len(nats) if all_once else weight
    seen = [each % 1000 if narrow else each for each in seen]
    first = min(few, len(nats) - 1)
    these = [Text("x" * n, [1.0] * n, [*range(1, n + 1)]) for n in (first, len(nats) - first) if n]
    texts = replace(
        batch(these),
        nats=np.array(nats),
        weight=once(len(nats)) if all_once else np.array(weight),
        seen=np.array(seen, np.int32 if narrow else np.int64),
    )
    places, most = {}, float(np.finfo(float).max)
    for own, each in zip(document_sums(texts), (slice(first), slice(first, None))[-len(these) :], strict=True):
        finite = [(n, w) for n, w in zip(nats[each], weight[each], strict=True) if n < math.inf]
        assert own.sums.nats == sum(fixed(min(n * w, most)) for n, w in finite)
        assert own.sums.squares == sum(fixed(min(min(n * w, most) * n, most)) for n, w in finite)
        assert own.sums.tokens == sum(map(fixed, weight[each]))
        assert own.sums.weighted == sum(w != 1 for w in weight[each])
        assert own.sums.zeros == len(nats[each]) - len(finite)
    for n, w, before in zip(nats, weight, seen, strict=True):
        if n < math.inf:
            tokens, surprisal = places.get(before.bit_length(), (0, 0))
            places[before.bit_length()] = tokens + fixed(w), surprisal + fixed(min(n * w, most))
    assert dict(enumerate(PositionTally.of(texts).sums)) == {
        bits: places.get(bits, (0, 0)) for bits in range(max(places, default=-1) + 1)
    }


@given(
    st.lists(
        st.text(st.sampled_from("ab \n\x1c\x85\xa0é\u1680\u2003\u2028\u3000‰€丁😀"), max_size=20)
        | st.text(st.sampled_from("ab \n\x1c\x0e"), min_size=60, max_size=140),
        min_size=1,
        max_size=3,
    )
    .map("".join)
    .filter(bool),
    st.data(),
)
def test_scored_bytes_cover_the_characters_and_words_that_begin_in_them(text, data):
    encoded = text.encode()
    omitted = data.draw(st.sets(st.integers(0, len(encoded) - 1), max_size=len(encoded) - 1))
    scored_bytes = sorted({*range(len(encoded))} - omitted)
    texts = ScoredTexts(
        tokens=TokenizedTexts(
            documents=(Document(text=text, id="a"),),
            ids=np.arange(len(encoded)),
            byte_ends=np.arange(1, len(encoded) + 1, dtype=np.int32),
            offsets=np.array([0, len(encoded)]),
            firsts=np.zeros(1, np.int64),
        ),
        index=np.array(scored_bytes),
        nats=np.ones(len(scored_bytes)),
        weight=np.ones(len(scored_bytes)),
        seen=np.array(scored_bytes),
        partial=np.zeros(1, bool),
    )
    begins = np.cumsum([0, *(len(character.encode()) for character in text)])[:-1].tolist()
    words = [begins[n] for n, c in enumerate(text) if not c.isspace() and (n == 0 or text[n - 1].isspace())]
    (sums,) = document_sums(texts).sums
    assert sums.bytes == len(scored_bytes)
    assert sums.chars == len(set(begins) & set(scored_bytes))
    assert sums.words == len(set(words) & set(scored_bytes))
