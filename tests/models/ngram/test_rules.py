"""Rules: from texts to sentences of word ids, with the bytes of each id."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nasty_texts import characters, texts, units

from nonplus.errors import BadModel
from nonplus.kernels.native import framing
from nonplus.models.ngram.normalizers.named import NORMALIZERS, named
from nonplus.models.ngram.text.rules import Rules, plain_framed, rules_of
from nonplus.models.ngram.text.words import NewWords, Words

VOCABULARY = ["<unk>", "<s>", "</s>", "a", "b", "aa"]
names = pytest.mark.parametrize("name", list(NORMALIZERS))
flags = st.booleans()


def sentences_of(rules, text):
    """The words of each sentence of one text."""
    found = rules.sentences([text])
    words = [rules.words[i] for i in found.ids_T]
    return [words[start:stop] for start, stop in zip(found.starts, found.starts[1:], strict=False)]


@names
@given(given_texts=texts, unit=units, begin=flags, end=flags)
def test_tokens_tile_every_text(name, given_texts, unit, begin, end):
    found = Rules(named(name), Words(VOCABULARY), unit=unit, begin=begin, end=end).sentences(given_texts)
    bounds = found.starts[found.documents]
    assert (bounds[0], bounds[-1], len(bounds)) == (0, len(found.ids_T), len(given_texts) + 1)
    for text, start, stop in zip(given_texts, bounds, bounds[1:], strict=False):
        own = found.byte_ends_T[start:stop]
        assert (np.diff(own, prepend=0) >= 0).all()
        assert own[-1:].tolist() in ([], [len(text.encode())])


@names
@given(given_texts=texts, unit=units)
def test_texts_have_the_same_tokens_alone_as_together(name, given_texts, unit):
    rules = Rules(named(name), Words(VOCABULARY), unit=unit)
    together, alone = rules.sentences(given_texts), [rules.sentences([text]) for text in given_texts]
    for column in ("ids_T", "byte_ends_T", "normalised_bytes_D"):
        assert getattr(together, column).tolist() == [n for each in alone for n in getattr(each, column).tolist()]


@given(text=st.text(characters), unit=units)
def test_a_word_ends_where_it_ends_in_the_text(text, unit):
    rules = Rules(named("raw"), NewWords(), unit=unit, begin=False, end=False)
    found, data = rules.sentences([text]), text.encode()
    words = [rules.words[i].encode() for i in found.ids_T]
    ends = found.byte_ends_T[:-1].tolist()  # the last covers the blanks after it, too
    assert [data[end - len(word) : end] for word, end in zip(words, ends, strict=False)] == words[:-1]
    assert words == data.split()


@names
@pytest.mark.skipif(framing.functions() is None, reason="the C kernel is not built or is switched off")
@given(given_texts=texts, unit=units, begin=flags, end=flags, wide=flags)
def test_sentences_are_framed_in_c_as_in_numpy(name, given_texts, unit, begin, end, wide):
    splitter, calls = Words(VOCABULARY), []
    rules = Rules(named(name), splitter, unit=unit, begin=begin, end=end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(framing, "framed", lambda own, **marks: calls.append((own, marks)) or plain_framed(own, **marks))
        rules.sentences(given_texts)
    ((own, marks),) = calls
    own = replace(own, origins_N1=own.origins_N1.astype(np.int64 if wide else np.int32))
    for c, numpy in zip(framing.framed(own, **marks), plain_framed(own, **marks), strict=True):
        assert c.dtype == numpy.dtype
        assert c.tolist() == numpy.tolist()


def test_a_line_of_blanks_is_a_sentence_of_raw_and_none_of_standard():
    text = "a b\n\n \nc"
    framed = [["<s>", "a", "b", "</s>"], ["<s>", "c", "</s>"]]
    assert sentences_of(Rules(named("standard"), NewWords()), text) == framed
    empty = ["<s>", "</s>"]
    assert sentences_of(Rules(named("raw"), NewWords()), text) == [framed[0], empty, empty, framed[1]]


def test_the_last_newline_begins_no_line():
    raw = Rules(named("raw"), NewWords())
    assert sentences_of(raw, "a\n") == sentences_of(raw, "a") == [["<s>", "a", "</s>"]]
    assert sentences_of(raw, "") == []
    assert sentences_of(raw, "\n") == [["<s>", "</s>"]]


def test_a_document_may_be_one_sentence_even_if_it_is_empty():
    rules = Rules(named("standard"), NewWords(), unit="document")
    assert sentences_of(rules, "a\nb") == [["<s>", "a", "b", "</s>"]]
    assert sentences_of(rules, " \n") == [["<s>", "</s>"]]


@names
def test_a_text_of_which_a_normaliser_leaves_nothing_is_an_empty_sentence(name):
    rules = Rules(named(name), NewWords(), unit="line")
    found = rules.sentences(["a", " ", "", "\t ", "b"])
    assert [rules.words[i] for i in found.ids_T if i > 2] == ["a", "b"]
    assert np.diff(found.documents).tolist() == [1, 1, 0, 1, 1]
    assert np.diff(found.starts).tolist() == [3, 2, 2, 3]
    assert found.byte_ends_T.tolist() == [0, 1, 1, 0, 1, 0, 2, 0, 1, 1]


def test_the_end_of_a_sentence_covers_the_newline_and_what_is_dropped_after_it():
    found = Rules(named("standard"), NewWords()).sentences(["  one two \r\n\n three"])
    # <s>, one, two, </s>, <s>, three, </s>
    assert found.byte_ends_T.tolist() == [0, 5, 9, 14, 14, 19, 19]


def test_both_byte_counts_are_known():
    found = Rules(named("standard"), NewWords()).sentences(["a  b\r\n", "é"])
    assert found.normalised_bytes_D.tolist() == [3, 2]
    assert found.byte_ends_T[[3, 6]].tolist() == [6, 2]


def test_a_nul_is_a_character_of_its_word():
    rules = Rules(named("standard"), Words([*VOCABULARY, "a\0"]))
    assert sentences_of(rules, "a\0 a") == [["<s>", "a\0", "a", "</s>"]]


def test_rules_are_read_from_what_they_state():
    rules = Rules(named("standard"), Words(VOCABULARY), unit="document", end=False)
    again = rules_of(rules.as_dict(), VOCABULARY)
    assert again.as_dict() == rules.as_dict()
    assert again.identity == rules.identity
    assert again.sentences(["a b c"]).ids_T.tolist() == [1, 3, 4, 0]


def test_what_decides_the_ids_decides_the_identity():
    base = Rules(named("standard"), Words(VOCABULARY))
    others = [
        Rules(named("raw"), Words(VOCABULARY)),
        Rules(named("standard"), Words([*VOCABULARY, "c"])),
        Rules(named("standard"), Words(VOCABULARY), unit="document"),
        Rules(named("standard"), Words(VOCABULARY), begin=False),
    ]
    assert len({rules.identity for rules in [base, *others]}) == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"normalizer": "standard-9"}, "normalizer=standard-9 is none"),
        ({"normalizer": None}, "None for normalizer, where a str is needed"),
        ({"unit": "page"}, "line or document, and its manifest has 'page'"),
        ({"begin": "yes"}, "'yes' for begin, where a bool is needed"),
        ({"tokenizer": {"kind": "letters"}}, "the tokenizer .*'letters'.*those of kind words"),
        ({"tokenizer": "words"}, "'words' for tokenizer, where a dict is needed"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_by_its_field(change, message):
    stated = Rules(named("standard"), Words(VOCABULARY)).as_dict() | change
    with pytest.raises(BadModel, match=message):
        rules_of(stated, VOCABULARY)
