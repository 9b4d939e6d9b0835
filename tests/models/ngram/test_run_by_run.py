"""cc_net's normaliser and those made of it do the same in C as in Python."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nasty_texts import texts
from native_switch import switched

from nonplus.kernels.native.substituting import functions
from nonplus.models.ngram.normalizers.ccnet import CCNET, DATATROVE, EDUGP
from nonplus.models.ngram.normalizers.run_by_run import run_by_run
from nonplus.models.ngram.normalizers.substituting import plain_substituted, substituted

pytestmark = pytest.mark.skipif(functions() is None, reason="the C kernel is not built or is switched off")

RULES = pytest.mark.parametrize("rule", [CCNET, DATATROVE, EDUGP], ids=["ccnet", "datatrove", "edugp"])
PARTS = ["A", "z", "7", "12.5", "1,000", ".", ",", " ", "\n", "\0", "\x7f", "\x85", "\x1c", "É", "e\u0301", "\u0301"]
PARTS += [
    "\u212a",
    "İ",
    "ﬁ",
    "…",
    "—",
    "“",
    "½",
    "漢",
    "😀",
    "\u00a0",
    "\u3000",
    "\uff0e",
    "\uff11",
    "ẞ",
    "\u03c3",
    "中。",
]
ODD = ["\u03a3", "٣", "\u066b", "१"]


def same(found, expected):
    for name in ("data_N", "starts_D1", "given_D1", "origin_N1"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()


def compared(given_texts, rule):
    data = [text.encode() for text in given_texts]
    found = run_by_run(given_texts, data, rule)
    if found is not None:
        same(found, plain_substituted(given_texts, data, rule))
    return found


@RULES
@given(given_texts=st.lists(st.lists(st.sampled_from(PARTS), max_size=12).map("".join), max_size=5))
def test_parts_of_any_kind_become_the_same_from_the_same_bytes(rule, given_texts):
    data = [text.encode() for text in given_texts]
    plain = plain_substituted(given_texts, data, rule)
    found = run_by_run(given_texts, data, rule)
    if found is None:
        assert rule is DATATROVE
        assert "\uff11" in "".join(given_texts)
    else:
        same(found, plain)


@RULES
@given(given_texts=texts)
def test_nasty_texts_become_the_same_from_the_same_bytes(rule, given_texts):
    compared(given_texts, rule)


@given(given_texts=st.lists(st.lists(st.sampled_from([*PARTS, *ODD]), max_size=12).map("".join), max_size=5))
def test_what_depends_on_its_neighbours_is_left_to_python(given_texts):
    found = {rule: compared(given_texts, rule) for rule in (CCNET, DATATROVE, EDUGP)}
    assert found[EDUGP] is not None
    assert (found[CCNET] is None) <= ("\u03a3" in "".join(given_texts))


@RULES
@given(given_texts=st.lists(st.lists(st.sampled_from([*PARTS, *ODD]), max_size=6).map("".join), max_size=9))
def test_texts_that_c_cannot_do_are_put_between_those_that_it_can(rule, given_texts):
    data = [text.encode() for text in given_texts]
    same(substituted(given_texts, rule), plain_substituted(given_texts, data, rule))


def test_without_c_the_same_is_done_in_python():
    with switched("Python"):
        found = substituted(["a\u03a3 1.5", "é"], DATATROVE)
    same(found, substituted(["a\u03a3 1.5", "é"], DATATROVE))
