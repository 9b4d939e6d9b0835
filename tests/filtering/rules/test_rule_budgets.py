"""The best documents are taken in order until the next would exceed the amount."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import divided, documents, kept, scored

from nonplus.filtering.rules.draws import draws
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.scored import Scored

AMOUNT = st.integers(1, 600)


def in_order(ones):
    """Those with text and a figure, the best first."""
    there = [each for each in ones if each.tokens and not math.isnan(each.bits)]
    return sorted(there, key=lambda each: (each.bits, draws([each.key])[0]))


def slow_best(ones, amount):
    """One by one, until one does not fit."""
    taken = []
    for each in in_order(ones):
        if sum(one.tokens for one in [*taken, each]) > amount:
            return taken
        taken.append(each)
    return taken


@given(documents(), AMOUNT, st.lists(st.integers(0, 100), max_size=3), st.randoms())
def test_the_best_tokens_are_those_taken_one_by_one_whatever_the_order_and_division(ones, amount, cuts, random):
    shuffled = random.sample(ones, len(ones))
    rule = parsed(f"best {amount} tokens").resolved(divided(shuffled, cuts))
    assert set(kept(rule, ones)) == set(slow_best(ones, amount))


@given(documents(), AMOUNT)
def test_the_amount_is_never_exceeded_and_the_next_document_would(ones, amount):
    best = kept(parsed(f"best {amount} tokens").resolved([scored(ones)]), ones)
    total = sum(each.tokens for each in best)
    assert total <= amount
    rest = [each for each in in_order(ones) if each not in best]
    assert not rest or total + rest[0].tokens > amount


@given(documents(), AMOUNT)
def test_what_is_beyond_the_best_is_the_rest(ones, amount):
    rule = parsed(f"not best {amount} tokens").resolved([scored(ones)])
    assert set(kept(rule, ones)) == set(in_order(ones)) - set(slow_best(ones, amount))


@given(documents(), AMOUNT)
def test_an_amount_counts_what_the_clauses_beside_it_leave(ones, amount):
    rule = parsed(f"language == en and best {amount} tokens and bits_per_byte >= p20").resolved([scored(ones)])
    others = parsed("bits_per_byte >= p20 and language == en").resolved([scored(ones)])
    assert set(kept(rule, ones)) == set(slow_best(kept(others, ones), amount))


@given(documents(), AMOUNT)
def test_in_groups_each_has_its_share_of_the_amount(ones, amount):
    best = kept(parsed(f"best {amount} tokens by language").resolved([scored(ones)]), ones)
    grouped = [each for each in in_order(ones) if each.language]
    whole = sum(each.tokens for each in grouped)
    for language in ("en", "de"):
        own = [each for each in grouped if each.language == language]
        share = amount * sum(each.tokens for each in own) // max(whole, 1)
        assert {each for each in best if each.language == language} == set(slow_best(own, share))
    assert sum(each.tokens for each in best) <= amount


@pytest.mark.parametrize(
    ("rule", "places"),
    [
        ("best 2 documents", [1, 3]),
        ("best 400 bytes", [3]),
        ("best 5 tokens", [1, 3]),
        ("best 100 tokens", [0, 1, 2, 3]),
        ("best 2 documents of tokens", [2, 3]),
        ("best 1 documents of bits_per_byte - bits_per_byte.bad", [0]),
    ],
)
def test_the_best_are_counted_in_their_unit_and_ordered_by_their_figure(rule, places):
    four = Scored(
        columns={
            "bits_per_byte": np.array([3.0, 2.0, 4.0, 1.0]),
            "bits_per_byte.bad": np.array([9.0, 2.0, 4.0, 1.0]),
            "tokens": np.array([4, 3, 1, 2]),
            "bytes": np.array([100, 200, 50, 400]),
        },
        keys=[b"a", b"b", b"c", b"d"],
    )
    assert np.flatnonzero(parsed(rule).resolved([four]).decide(four).keep).tolist() == places


def test_documents_of_one_figure_and_one_key_stand_or_fall_together():
    twins = Scored(columns={"bits_per_byte": np.ones(3), "tokens": np.ones(3)}, keys=[b"same"] * 3)
    assert parsed("best 2 documents").resolved([twins]).decide(twins).keep.tolist() == [False] * 3
    assert parsed("best 3 documents").resolved([twins]).decide(twins).keep.tolist() == [True] * 3


def test_the_reason_tells_the_amount():
    two = Scored(columns={"bits_per_byte": np.array([1.0, 2.31]), "tokens": np.full(2, 4)}, keys=[b"a", b"b"])
    reasons = parsed("best 5 tokens").resolved([two]).decide(two).reasons()
    assert reasons == ["", "bits_per_byte 2.31 is beyond the best 5 tokens"]


def test_the_thresholds_tell_what_was_found_and_a_draw_only_where_it_divides():
    four = Scored(
        columns={"bits_per_byte": np.array([1.0, 2.0, 2.0, 3.0]), "perplexity": np.ones(4), "tokens": np.ones(4)},
        attributes={"language": ["en"] * 4},
        keys=[b"a", b"b", b"c", b"d"],
    )
    rule = parsed("best 2 documents and bucket == head from ccnet or best 3 documents by language or best 9 tokens")
    assert rule.thresholds == ()
    divided_at_two, *others = rule.resolved([four]).thresholds
    assert divided_at_two == (
        "best 2 documents where bucket == head from ccnet",
        "",
        (2.0, max(draws([b"b"])[0], draws([b"c"])[0])),
    )
    assert others == [("best 3 documents by language", "en", (3.0,)), ("best 9 tokens", "", (math.inf,))]


def test_a_document_without_text_takes_nothing_of_the_amount():
    three = Scored(columns={"bytes": np.array([0.0, 5.0, 7.0]), "tokens": np.array([0, 1, 1])}, keys=[b"a", b"b", b"c"])
    rule = parsed("best 1 documents of bytes").resolved([three])
    assert rule.decide(three).reasons() == ["no text", "", "bytes 7 is beyond the best 1 documents of bytes"]
