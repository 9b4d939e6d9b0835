"""Normalisers: what a text becomes, and the byte of it that each byte came from."""

import json
import re
import unicodedata
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nasty_texts import characters, texts, units

from nonplus.errors import BadInput, BadModel
from nonplus.kernels.native import spacing
from nonplus.models.ngram.normalizers.named import NORMALIZERS, named
from nonplus.models.ngram.normalizers.standard import plain_spaced

names = pytest.mark.parametrize("name", list(NORMALIZERS))


def results(aligned):
    """Each normalised text."""
    bounds = aligned.starts_D1.tolist()
    return [aligned.data_N[start:stop].tobytes().decode() for start, stop in pairwise(bounds)]


def standard_by_hand(text, unit):
    """The rule of ``standard``, character by character."""
    canonical = unicodedata.normalize("NFC", text)
    with_lf = re.sub("\r\n?", "\n", canonical)
    blanks = "".join(
        " " if c != "\n" and c != "\0" and (c.isspace() or unicodedata.category(c) == "Cc") else c for c in with_lf
    )
    lines = [" ".join(filter(None, line.split(" "))) for line in blanks.split("\n")]
    return (" " if unit == "document" else "\n").join(filter(None, lines))


@given(given_texts=texts, unit=units)
def test_standard_is_its_rule_character_by_character(given_texts, unit):
    found = results(NORMALIZERS["standard"].normalize(given_texts, unit))
    assert found == [standard_by_hand(text, unit) for text in given_texts]


@pytest.mark.skipif(spacing.functions() is None, reason="the C kernel is not built or is switched off")
@given(parts=st.lists(st.lists(st.sampled_from([b"a", b" ", b"\n", b"\t", b"\0", b"\xff"])).map(b"".join)))
def test_gaps_become_the_same_separators_in_c_and_in_numpy(parts):
    data_N = np.frombuffer(b"".join(parts), np.uint8)
    starts_D1 = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    classes = bytes(range(256)).replace(b"\t", b" ")
    for native, plain in zip(
        spacing.spaced(data_N, starts_D1, classes), plain_spaced(data_N, starts_D1, classes), strict=True
    ):
        assert native.tolist() == plain.tolist()


@given(given_texts=texts, unit=units)
def test_standard_changes_nothing_twice(given_texts, unit):
    once = results(NORMALIZERS["standard"].normalize(given_texts, unit))
    assert results(NORMALIZERS["standard"].normalize(once, unit)) == once


RECORDED = json.loads((Path(__file__).parent / "goldens/normalizers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", RECORDED["tools"])
def test_a_text_becomes_what_the_tool_itself_made_of_it(name):
    """``goldens/record.py`` ran the tools."""
    found = results(NORMALIZERS[name].normalize(RECORDED["texts"], "document"))
    expected = RECORDED["tools"][name]["results"]
    differing = [text for text, *both in zip(RECORDED["texts"], found, expected, strict=True) if len(set(both)) > 1]
    assert differing == []


def ccnet_by_hand(text, *, lower=True, accents=False):
    """The rule of cc_net, character by character."""
    text = text.strip().lower() if lower else text.strip()
    if not accents:
        text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    marks = {"\u2014": " - ", "\u2026": "...", "\u2019": "'", "\xab": '"', "\uff0e": ". "}
    zeros = ("0" if c.isdecimal() else marks.get(c, c) for c in text)
    return "".join(c for c in zeros if c >= " " and not "\x7f" <= c <= "\x9f")


OTHER_PUNCTUATION = set(
    "\uff0c\u3002\u3001\u201e\u201d\u201c\xbb\u300d\u300c\u300a\u300b\xb4\u2236\uff1a\uff1f\uff01\uff08\uff09\uff1b"
    "\u2013\uff5e\u2501\u3008\u3009\u3010\u3011\uff05\u25ba"
)


@given(text=st.text(characters, max_size=30).filter(lambda text: not OTHER_PUNCTUATION & set(text)))
def test_ccnet_and_edugp_are_their_rule_character_by_character(text):
    assert results(NORMALIZERS["ccnet"].normalize([text], "document")) == [ccnet_by_hand(text)]
    by_edugp = ccnet_by_hand(text, lower=False, accents=True)
    assert results(NORMALIZERS["edugp"].normalize([text], "document")) == [by_edugp]


@pytest.mark.parametrize("name", ["ccnet", "edugp", "datatrove"])
@given(text=st.text(characters, max_size=30))
def test_lines_are_normalised_each_by_itself(name, text):
    normalize = NORMALIZERS[name].normalize
    lines = [results(normalize([line], "document"))[0] for line in text.split("\n")]
    assert results(normalize([text], "line")) == ["\n".join(filter(None, lines))]


@pytest.mark.parametrize("name", ["ccnet", "edugp", "datatrove"])
def test_what_a_character_becomes_is_found_where_it_stood(name):
    aligned = NORMALIZERS[name].normalize(["  It\u2019s\u2014no"], "document")
    (result,) = results(aligned)
    assert result.lower() == "it's - no"
    # the dash at 8 is for the first blank, and what follows it begins where it ends
    assert aligned.origin_N1.tolist() == [2, 3, 4, 7, 8, 11, 11, 11, 12, 13]


def test_datatrove_makes_a_whole_number_one_zero():
    aligned = NORMALIZERS["datatrove"].normalize(["of 2023, 12.5"], "document")
    assert results(aligned) == ["of 0, 0"]
    assert aligned.origin_N1.tolist() == [0, 1, 2, 3, 7, 8, 9, 13]


@given(given_texts=texts, unit=units)
def test_raw_and_datajuicer_change_nothing(given_texts, unit):
    for name in ("raw", "datajuicer"):
        assert results(NORMALIZERS[name].normalize(given_texts, unit)) == given_texts


@names
@given(given_texts=texts, unit=units)
def test_the_origins_of_bytes_rise_to_the_end_of_the_texts(name, given_texts, unit):
    aligned = NORMALIZERS[name].normalize(given_texts, unit)
    assert len(aligned.origin_N1) == len(aligned.data_N) + 1
    assert (np.diff(aligned.origin_N1) >= 0).all()
    assert aligned.given_D1.tolist() == [0, *np.cumsum([len(text.encode()) for text in given_texts])]
    assert aligned.origin_N1[-1] == aligned.given_D1[-1]
    for text in range(len(given_texts)):
        own = aligned.origin_N1[aligned.starts_D1[text] : aligned.starts_D1[text + 1]]
        assert ((own >= aligned.given_D1[text]) & (own <= aligned.given_D1[text + 1])).all()


@names
@given(given_texts=texts, unit=units)
def test_a_byte_that_stays_is_found_where_it_was(name, given_texts, unit):
    aligned = NORMALIZERS[name].normalize(given_texts, unit)
    given_N = np.frombuffer("".join(given_texts).encode(), np.uint8)
    letters = np.flatnonzero((aligned.data_N == ord("a")) | (aligned.data_N == ord(".")))
    letters = letters[aligned.origin_N1[letters] < aligned.origin_N1[letters + 1]]
    same = given_N[aligned.origin_N1[letters]] == aligned.data_N[letters]
    assert same.all() or not "".join(given_texts).isascii()


@names
@given(given_texts=texts, unit=units)
def test_texts_are_normalised_alone_as_together(name, given_texts, unit):
    normalize = NORMALIZERS[name].normalize
    together, alone = normalize(given_texts, unit), [normalize([text], unit) for text in given_texts]
    assert results(together) == [result for each in alone for result in results(each)]
    origins = [each.origin_N1[:-1] + start for each, start in zip(alone, together.given_D1[:-1], strict=True)]
    assert together.origin_N1[:-1].tolist() == np.concatenate(origins).tolist()


def test_standard_keeps_words_apart_and_lines_too():
    text = "\ufeffOne\ttwo\u00a0three\u0000 \r\n\r\n  four\x0cfive\rsix \n"
    (result,) = results(NORMALIZERS["standard"].normalize([text], "line"))
    assert result == "\ufeffOne two three\0\nfour five\nsix"


@names
def test_half_of_a_surrogate_pair_is_refused_with_its_place(name):
    with pytest.raises(BadInput, match=r"text 2 holds '\\ud800' at character 3, half of a surrogate pair"):
        NORMALIZERS[name].normalize(["fine", "abc\ud800"], "line")


def test_a_normaliser_is_known_by_its_name_and_by_its_version():
    assert named("standard") is named("standard-1") is NORMALIZERS["standard"]
    with pytest.raises(BadModel, match=r"normalizer=standrad is none .*raw, .*did you mean normalizer=standard"):
        named("standrad")
    with pytest.raises(BadModel, match="normalizer=standard-7 is none"):
        named("standard-7")
