"""Sums of batches: exact, and the same in any order, split and merge."""

import json
import math
import pickle
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput, BadProbability, BadProtocol
from nonplus.measure.records import Floats
from nonplus.measure.report import Report
from nonplus.measure.statistics.tally import Tally
from nonplus.metrics.accumulator import Accumulator
from nonplus.metrics.batch_sums import ArrayExtras, batch_sums
from nonplus.metrics.protocol import MetricProtocol

UNIT = Fraction(1, 1 << 40)
surprisals = st.one_of(st.floats(0, 30), st.floats(0, 1e30), st.just(math.inf), st.just(0.0))


def accumulated(nats: Floats, kept: "object" = None, *, shift: bool = False, **extras: "object") -> Accumulator:
    """The accumulator of one batch."""
    kept = np.ones(nats.shape, bool) if kept is None else np.asarray(kept)
    arrays = {name: np.asarray(values) for name, values in extras.items()}
    sums = batch_sums(nats, kept, ArrayExtras(**arrays), shift=shift, exclude_nonfinite=False)
    return Accumulator.of(sums, MetricProtocol(kinds=("nll",), shift=shift, weighted="weights" in extras))


def together(*parts: Accumulator) -> Accumulator:
    total = Accumulator(protocol=replace(parts[0].protocol, kinds=()))
    for part in parts:
        total.add(part)
    return total


def unplaced(tally: Tally) -> Tally:
    """Rows without names are numbered in the order in which they are added."""
    return replace(tally, zero_places=())


@st.composite
def batches(draw: st.DrawFn) -> tuple[Floats, "object", "object", "object"]:
    rows, time = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    size = rows * time
    nats = np.array(draw(st.lists(surprisals, min_size=size, max_size=size))).reshape(rows, time)
    kept = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size))).reshape(rows, time)
    names = np.array(draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))).reshape(rows, time)
    weights = np.array(draw(st.lists(st.sampled_from([0, 0.1, 1, 3]), min_size=size, max_size=size)))
    return nats, kept, names, weights.reshape(rows, time)


@given(batches(), st.data())
def test_any_split_order_and_merge_of_named_documents_gives_the_same_bits(batch: "object", data: st.DataObject) -> None:
    nats, kept, names, weights = batch
    whole = accumulated(nats, kept, doc_ids=names, weights=weights)
    tokens = data.draw(st.permutations(range(nats.size)))
    cut = data.draw(st.integers(0, nats.size))
    pieces = [
        accumulated(*(a.ravel()[chosen] for a in (nats, kept)), doc_ids=names.ravel()[chosen], weights=w)
        for chosen in (tokens[:cut], tokens[cut:])
        for w in [weights.ravel()[chosen]]
    ]
    # where a token stands in its row is all that a split of rows may change
    assert unplaced(together(*pieces).tally) == unplaced(whole.tally) == unplaced(together(*reversed(pieces)).tally)


@given(batches(), st.data())
def test_any_split_and_order_of_rows_gives_the_same_bits(batch: "object", data: st.DataObject) -> None:
    nats, kept, _, weights = batch
    whole = accumulated(nats, kept, weights=weights)
    rows = data.draw(st.permutations(range(len(nats))))
    cut = data.draw(st.integers(0, len(nats)))
    pieces = [accumulated(nats[chosen], kept[chosen], weights=weights[chosen]) for chosen in (rows[:cut], rows[cut:])]
    assert unplaced(together(*pieces).tally) == unplaced(whole.tally)
    in_order = [accumulated(nats[i : i + 1], kept[i : i + 1], weights=weights[i : i + 1]) for i in range(len(nats))]
    assert together(*in_order).tally == whole.tally, "rows are numbered in the order in which they are added"


@given(batches(), batches(), batches())
def test_merging_is_associative_and_commutes(a: "object", b: "object", c: "object") -> None:
    x, y, z = (accumulated(nats, kept, doc_ids=names, weights=w) for nats, kept, names, w in (a, b, c))
    expected = together(x, y, z).tally
    assert together(together(x, y), z).tally == together(x, together(y, z)).tally == together(z, x, y).tally == expected


@given(batches())
def test_the_sums_are_those_of_exact_arithmetic(batch: "object") -> None:
    nats, kept, _, weights = batch
    tally = accumulated(nats, kept, weights=weights).tally
    counted = kept & (weights > 0)
    pairs = [(n, w) for n, w in zip(nats[counted].tolist(), weights[counted].tolist(), strict=True)]
    finite = [(n, w) for n, w in pairs if math.isfinite(n)]
    rounding = UNIT / 2 * max(len(pairs), 1)
    assert abs(tally.nats * UNIT - sum(Fraction(n * w) for n, w in finite)) <= rounding
    assert abs(tally.tokens * UNIT - sum(Fraction(w) for _, w in pairs)) <= rounding
    assert abs(tally.squares * UNIT - sum(Fraction(n * w * n) for n, w in finite)) <= rounding
    assert (tally.scored, tally.zeros) == (len(pairs), len(pairs) - len(finite))
    assert tally.scored + tally.ignored == nats.size


@given(batches())
def test_an_unweighted_batch_is_the_sum_of_its_documents_one_by_one(batch: "object") -> None:
    nats, kept, names, _ = batch
    by_hand = {}
    for n, k, name in zip(nats.ravel().tolist(), kept.ravel().tolist(), names.ravel().tolist(), strict=True):
        if k:
            by_hand.setdefault(name, []).append(0 if math.isinf(n) else round(Fraction(n) / UNIT))
    tally = accumulated(nats, kept, doc_ids=names).tally
    one = 1 << 40
    assert tally.documents == len(by_hand)
    assert tally.nats_nats == sum(sum(d) ** 2 for d in by_hand.values())
    assert tally.nats_tokens == sum(sum(d) * len(d) * one for d in by_hand.values())
    assert tally.tokens_tokens == sum((len(d) * one) ** 2 for d in by_hand.values())


@given(batches())
def test_json_and_pickle_keep_every_bit(batch: "object") -> None:
    nats, kept, names, weights = batch
    for held in (accumulated(nats, kept, doc_ids=names), accumulated(nats, kept, weights=weights)):
        line = json.dumps(held.as_json())
        assert Accumulator.from_json(json.loads(line)) == held == pickle.loads(pickle.dumps(held))
        assert Tally.from_json(json.loads(json.dumps(held.tally.as_json()))) == held.tally


def test_counts_go_beyond_what_float32_can_count() -> None:
    big = accumulated(np.full((1, 4), 2.0))
    for _ in range(24):
        big = together(big, big)
    assert big.tally.scored == 1 << 26
    more = together(big, accumulated(np.full((1, 1000), 3.0)))
    assert more.tally.scored == (1 << 26) + 1000
    exact = (Fraction(2) * (1 << 26) + 3000) / ((1 << 26) + 1000)
    assert Report(tally=more.tally, protocol=more.protocol).log_perplexity == float(exact)


def test_a_row_of_millions_of_tokens_does_not_overflow() -> None:
    n = 1 << 20
    assert accumulated(np.full((1, n), 4e6)).tally.nats == n * 4_000_000 << 40


def test_a_document_that_continues_in_later_batches_is_one_cluster() -> None:
    first = accumulated(np.array([[1.0, 2.0], [3.0, 4.0]]), doc_ids=["a", "b"])
    second = accumulated(np.array([[5.0, 6.0]]), doc_ids=[["b", "a"]])
    tally = together(first, second).tally
    assert tally.documents == 2
    assert tally.nats_nats == ((1 + 2 + 6) ** 2 + (3 + 4 + 5) ** 2) << 80


def test_ignored_tokens_and_the_first_of_shifted_rows_are_counted_separately() -> None:
    nats, kept = np.ones((2, 4)), [[0, 1, 1, 0], [0, 1, 0, 0]]
    tally = accumulated(nats, np.array(kept, bool), shift=True).tally
    assert (tally.scored, tally.unscored, tally.ignored, tally.documents) == (3, 2, 3, 2)


def test_a_row_without_a_counted_token_is_not_a_document() -> None:
    tally = accumulated(np.ones((3, 2)), np.array([[1, 1], [0, 0], [1, 0]], bool)).tally
    assert (tally.documents, tally.scored, tally.ignored) == (2, 3, 3)


def test_tokens_of_probability_0_are_counted_and_located_and_in_no_sum() -> None:
    nats = np.array([[1.0, math.inf], [2.0, 3.0], [math.inf, math.inf]])
    both = together(accumulated(nats), accumulated(nats, doc_ids=["x", "y", "x"]))
    assert (both.tally.zeros, both.tally.nats) == (6, 12 << 40)
    assert both.tally.zero_places == (("row 0", 1), ("row 2", 0), ("row 2", 1), ("x", 0), ("x", 1))
    assert math.isinf(Report(tally=both.tally, protocol=both.protocol).perplexity)


def test_a_surprisal_of_nan_is_refused_with_its_place_or_counted() -> None:
    nats, kept = np.array([[1.0, 2.0], [3.0, math.nan]]), np.ones((2, 2), bool)
    with pytest.raises(BadProbability, match="row 1, place 1 is nan"):
        accumulated(nats)
    sums = batch_sums(nats, kept, ArrayExtras(), shift=False, exclude_nonfinite=True)
    tally = Accumulator.of(sums, MetricProtocol()).tally
    assert (tally.nats, tally.scored, tally.nonfinite, tally.nonfinite_places) == (6 << 40, 3, 1, (("row 1", 1),))
    assert not accumulated(np.array([[math.nan]]), [[False]]).tally.scored, "what is not kept may be anything"


def test_bytes_count_only_for_scored_tokens() -> None:
    nats, kept = np.ones((3, 2)), np.array([[1, 1], [1, 0], [0, 0]], bool)
    assert accumulated(nats, kept, n_bytes=[5, 7, 100]).tally.bytes == 12
    assert accumulated(nats, kept, n_bytes=[[1, 2], [3, 4], [5, 6]]).tally.bytes == 6
    packed = accumulated(nats, kept, doc_ids=[[0, 1], [1, 1], [2, 2]], n_bytes=[[1, 2], [3, 4], [5, 6]]).tally
    assert (packed.bytes, packed.documents, packed.bytes_bytes) == (6, 2, 1 + 25)


@pytest.mark.parametrize(
    ("extras", "message"),
    [
        ({"weights": [1.0, 2.0, 3.0]}, r"weights must be for each token, shape \(2, 2\), or each row, shape \(2,\)"),
        ({"weights": [[1.0, -1.0], [1.0, 1.0]]}, r"weights must be finite and not negative, got -1.0"),
        ({"weights": ["a", "b"]}, "weights must be numbers, got an array of <U1"),
        ({"weights": [1e-7, 1.0]}, r"between 2\*\*-20 and 2\*\*40, got 1e-07; scale all up"),
        ({"weights": [1e308, 1.0]}, r"got 1e\+308; scale all down by the same factor"),
        ({"n_bytes": [1.5, 2.5]}, "n_bytes must be integers from 0 on"),
        ({"n_bytes": [1, -2]}, "n_bytes must be integers from 0 on, got int64 from -2 on"),
        (
            {"n_words": [1, 2], "doc_ids": [[0, 1], [1, 1]]},
            "where documents share rows, n_words must be for each token",
        ),
        ({"doc_ids": [0.5, 1.5]}, "doc_ids must be integers or strings"),
        ({"doc_ids": ["a"]}, "doc_ids must be for each token"),
    ],
)
def test_extras_that_do_not_fit_are_refused(extras: "object", message: str) -> None:
    with pytest.raises(BadInput, match=message):
        accumulated(np.ones((2, 2)), **extras)


def test_sums_of_other_tokens_are_not_added() -> None:
    with pytest.raises(BadProtocol, match="same shift and ignore_index"):
        together(Accumulator(protocol=MetricProtocol(shift=True)), Accumulator(protocol=MetricProtocol()))


@pytest.mark.parametrize("held", [[], {}, {"closed": {}}, {"protocol": {"kinds": [], "to": 1}}])
def test_json_that_is_not_an_accumulator_is_refused(held: "object") -> None:
    with pytest.raises(BadInput, match="as_json"):
        Accumulator.from_json(held)


@pytest.mark.parametrize(
    "broken",
    [
        {"zero_rows": [["a", 1]]},
        {"zero_rows": [1]},
        {"nonfinite_rows": [[0, 1.5]]},
        {"open": {"a": [1.5] + [1] * 11}},
        {"open": {"a": [1] * 11}},
        {"open": {"a": [True] * 12}},
        {"rows": "x"},
        {"closed": {"zero_places": [["a", "b"]]}},
    ],
)
def test_sums_and_places_that_are_not_integers_are_refused(broken: dict[str, object]) -> None:
    held = accumulated(np.ones((2, 3)), doc_ids=["a", "b"]).as_json()
    with pytest.raises(BadInput, match=r"integers, got|as_json"):
        Accumulator.from_json(json.loads(json.dumps(held | broken)))


def test_light_and_heavy_weights_change_no_figure() -> None:
    nats = np.random.default_rng(0).gamma(2, 2, (20, 30))
    plain = Report(tally=accumulated(nats).tally, protocol=MetricProtocol())
    for weight in (2.0**-20, 1e-5, 1e5, 2.0**40):
        held = accumulated(nats, weights=np.full(20, weight))
        found = Report(tally=held.tally, protocol=held.protocol)
        assert found.log_perplexity == pytest.approx(plain.log_perplexity, rel=1e-6)
        assert found.interval.low == pytest.approx(plain.interval.low, rel=1e-5)


def test_a_tally_refuses_rounded_or_unknown_sums() -> None:
    with pytest.raises(BadInput, match="whole numbers, got 1e"):
        Tally.from_json({"nats": 1e30})
    with pytest.raises(BadInput, match="a tally has no nuts"):
        Tally.from_json({"nuts": 1})
