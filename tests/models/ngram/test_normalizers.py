"""Normalisers: what a text becomes, and the byte of it that each byte came from."""

import re
import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from nasty_texts import texts, units

from nonplus.errors import BadInput, BadModel
from nonplus.models.ngram.normalizers.named import NORMALIZERS, named

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


@given(given_texts=texts, unit=units)
def test_standard_changes_nothing_twice(given_texts, unit):
    once = results(NORMALIZERS["standard"].normalize(given_texts, unit))
    assert results(NORMALIZERS["standard"].normalize(once, unit)) == once


@given(given_texts=texts, unit=units)
def test_raw_changes_nothing(given_texts, unit):
    assert results(NORMALIZERS["raw"].normalize(given_texts, unit)) == given_texts


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
        assert ((own >= aligned.given_D1[text]) & (own < aligned.given_D1[text + 1])).all()


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
    with pytest.raises(BadModel, match=r"no normaliser 'standrad'; this version of nonplus has .* did you mean"):
        named("standrad")
    with pytest.raises(BadModel, match="no normaliser 'standard-7'"):
        named("standard-7")
