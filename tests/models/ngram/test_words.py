"""Words as ids: split at ASCII blanks, with the same numbers in C and in Python."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nasty_texts import characters

from nonplus.kernels.native.words import ABSENT, NativeWords, functions
from nonplus.models.ngram.text.words import NewWords, PlainTable, Words

needs_kernel = pytest.mark.skipif(functions() is None, reason="the C kernel is not built or is switched off")
tables = pytest.mark.parametrize("table", [pytest.param(NativeWords, marks=needs_kernel, id="C"), PlainTable])

BLANKS = b"\t\n\v\f\r "
pieces = st.binary(max_size=20) | st.sampled_from(
    [b"a", b"a\0", b"\0", b" ", b"<s>", b"\xc2\xa0", b"12345678", b"123456789"]
)
parts = st.lists(st.lists(pieces, max_size=8).map(b"".join), max_size=5)


def laid_out(given_parts):
    """The arguments of ``find``."""
    stop_S = np.cumsum([len(part) for part in given_parts], dtype=np.int64)
    begin_S = stop_S - np.array([len(part) for part in given_parts], np.int64)
    return np.frombuffer(b"".join(given_parts), np.uint8), begin_S, stop_S


def words_by_hand(part):
    """Words of a part with where each ends, byte by byte."""
    found, word = [], b""
    for at, byte in enumerate([*part, BLANKS[0]]):
        if byte not in BLANKS:
            word += bytes([byte])
        elif word:
            found.append((word, at))
            word = b""
    return found


@tables
@given(given_parts=parts)
def test_words_are_runs_of_bytes_that_are_no_ascii_blanks(table, given_parts):
    data_N, begin_S, stop_S = laid_out(given_parts)
    words = table()
    number_T, end_T, count_S = words.learn(data_N, begin_S, stop_S)
    expected = [words_by_hand(part) for part in given_parts]
    assert count_S.tolist() == [len(part) for part in expected]
    ends = [begin + end for part, begin in zip(expected, begin_S.tolist(), strict=True) for _, end in part]
    assert end_T.tolist() == ends
    known = words.read()
    assert [known[number] for number in number_T] == [word for part in expected for word, _ in part]


@tables
@given(texts=st.lists(st.text(characters), max_size=5))
def test_led_words_begin_at_each_space_that_follows_no_whitespace(table, texts):
    words = table()
    number_T, end_T, count_S = words.learn_led(*laid_out([text.encode() for text in texts]))
    expected = [re.split(r"(?<=\S)(?= )", text) if text else [] for text in texts]
    assert count_S.tolist() == [len(part) for part in expected]
    known = words.read()
    assert [known[number].decode() for number in number_T] == [word for part in expected for word in part]
    assert end_T.tolist() == np.cumsum([len(known[number]) for number in number_T], dtype=np.int64).tolist()
    assert words.size == sum(map(len, known))


@tables
@given(texts=st.lists(st.text(characters), max_size=5), most=st.integers(4, 9), led=st.booleans())
def test_a_long_word_is_cut_between_characters_into_words_that_are_as_long_as_they_may_be(table, texts, most, led):
    parts = laid_out([text.encode() for text in texts])
    whole, short = table(), table()
    ends = (whole.learn_led if led else whole.learn)(*parts)[1].tolist()
    numbers, short_T, count_S = (short.learn_led if led else short.learn)(*parts, most=most)
    shorter = short_T.tolist()
    words = [short.read()[number].decode() for number in numbers.tolist()]
    assert set(ends) <= set(shorter)
    assert count_S.sum() == len(words)
    assert all(len(word.encode()) <= most for word in words)
    for word, following, end in zip(words, words[1:], shorter, strict=False):
        assert end in ends or len((word + following[0]).encode()) > most


@tables
@given(given_parts=parts)
def test_new_words_are_numbered_as_they_appear(table, given_parts):
    words = table()
    words.learn(*laid_out(given_parts))
    assert words.read() == list(dict.fromkeys(word for part in given_parts for word, _ in words_by_hand(part)))


@tables
@given(known=st.lists(st.binary(max_size=12)), given_parts=parts)
def test_a_search_finds_the_first_number_of_a_word_and_adds_none(table, known, given_parts):
    words = table()
    words.extend(known)
    number_T, _, _ = words.find(*laid_out(given_parts))
    asked = [word for part in given_parts for word, _ in words_by_hand(part)]
    assert number_T.tolist() == [known.index(word) if word in known else ABSENT for word in asked]
    assert words.read() == known


@tables
def test_a_table_grows_far_beyond_its_first_size(table):
    words, many = table(), [b"%d" % n if n % 2 else b"the long number %d" % n for n in range(50_000)]
    words.extend(many[:20_000])
    words.extend(many[20_000:])
    data_N, begin_S, stop_S = laid_out([b" ".join(many[1::2])])
    assert words.find(data_N, begin_S, stop_S)[0].tolist() == list(range(1, 50_000, 2))
    assert words.read(49_990) == many[49_990:]


def test_text_that_spells_a_special_word_is_an_unknown_word():
    words = Words(["<unk>", "<s>", "</s>", "the"])
    ids = words.split(*laid_out([b"<s> the </s> <unk>"])).ids_T
    assert ids.tolist() == [0, 3, 0, 0]


def test_a_new_vocabulary_does_not_learn_spelled_special_words():
    words = NewWords()
    assert words.split(*laid_out([b"the <s> the <UNK> </s> <unk> <S>"])).ids_T.tolist() == [3, 0, 3, 0, 0, 0, 4]
    assert words.ids([b"<unk>", b"the", b"cat"]).tolist() == [0, 3, 5]
    assert words.words == ["<unk>", "<s>", "</s>", "the", "<S>", "cat"]
    assert len(words) == 6
