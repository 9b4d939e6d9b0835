"""Byte pair encoding in C gives the tokens of the package ``tokenizers``."""

import functools
import random

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from native_switch import switched
from tokenizers import models, pre_tokenizers, trainers

from nonplus.kernels.native.bpe import functions
from nonplus.kernels.native.cutting import LEFT
from nonplus.models.ngram.text.cuts import Strings
from nonplus.models.ngram.text.pieces import Pieces
from nonplus.models.ngram.text.tokenizers_file import TokenizersFile
from nonplus.models.ngram.text.words import NewWords

pytestmark = pytest.mark.skipif(functions() is None, reason="the C kernel is not built or is switched off")

PIECES = [
    "'s",
    "'ll",
    "'re",
    "'",
    "don",
    "the",
    "Ab",
    "12",
    "7",
    "~~",
    "-",
    "_",
    "\0",
    "\x1f",
    "\x7f",
    "é",
    "漢",
    "\x85",
    "\u00a0",
    "\u2003",
    "\u2028",
    "\u200b",
    "—",
    "½",
    "\u0301",
    "Ж",
    "\u0627",
    "٣",
]
WORDS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join)
BLANKS = st.text(" \t\n\r\v\f", max_size=3)
RULES = {
    "words": pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel()]),
    "led words": pre_tokenizers.ByteLevel(add_prefix_space=False),
    "led words after a space": pre_tokenizers.ByteLevel(add_prefix_space=True),
}


@functools.cache
def trained(rule: str) -> tokenizers.Tokenizer:
    draw = random.Random(3)
    lines = [" ".join("".join(draw.choices(PIECES, k=draw.randint(1, 5))) for _ in range(9)) for _ in range(900)]
    rust = tokenizers.Tokenizer(models.BPE())
    rust.pre_tokenizer = RULES[rule]
    trainer = trainers.BpeTrainer(
        vocab_size=500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    rust.train_from_iterator(lines, trainer)
    return rust


@functools.cache
def file(rule: str) -> TokenizersFile:
    return TokenizersFile(trained(rule).to_str().encode())


def strings(words: list[str]) -> Strings:
    data = [word.encode() for word in words]
    return Strings(b"".join(data), np.cumsum(np.array(list(map(len, data)), np.int64)))


def without_c(rule: str) -> TokenizersFile:
    with switched("Python"):
        return TokenizersFile(trained(rule).to_str().encode())


@pytest.mark.parametrize("rule", RULES)
def test_c_is_used_and_python_is_not_c(rule: str) -> None:
    assert file(rule)._joining is not None
    assert without_c(rule)._joining is None


@pytest.mark.parametrize("rule", RULES)
@given(words=st.lists(st.tuples(BLANKS, WORDS).map("".join), max_size=9))
def test_words_have_the_tokens_that_the_package_gives_them(rule: str, words: list[str]) -> None:
    if rule == "words":
        words = [word for each in words for word in each.split()]
    joining = file(rule)._joining
    given_words = strings(words)
    id_T, rest_T, count_W = joining.cut(given_words.data, given_words.stops)
    done = 0
    for word, count in zip(words, count_W.tolist(), strict=True):
        if count == LEFT:
            assert "漢" in word or "\u200b" in word
            continue
        expected = trained(rule).encode(word, add_special_tokens=False)
        assert id_T[done : done + count].tolist() == expected.ids
        size = len(word.encode())
        stops = size - rest_T[done : done + count]
        ends = np.cumsum(list(map(len, expected.tokens)))  # a sign of a byte-level vocabulary is a byte
        assert stops.tolist() == (ends - (ends[-1:].sum() - size)).clip(0).tolist()
        done += count


@pytest.mark.parametrize("rule", RULES)
@given(texts=st.lists(st.lists(st.tuples(BLANKS, WORDS).map("".join), max_size=9).map(" ".join), max_size=4))
def test_texts_have_the_same_pieces_in_the_same_order_with_and_without_c(rule: str, texts: list[str]) -> None:
    found = []
    data = [text.encode() for text in texts]
    stop_S = np.cumsum(np.array(list(map(len, data)), np.int64))
    for model in (file(rule), without_c(rule)):
        splitter = Pieces(model, NewWords())
        split = splitter.split(np.frombuffer(b"".join(data), np.uint8), stop_S - list(map(len, data)), stop_S)
        found.append((split.ids_T.tolist(), split.stops_T.tolist(), split.counts_S.tolist(), splitter.words))
    assert found[0] == found[1]


@pytest.mark.parametrize("rule", RULES)
def test_each_character_before_cjk_has_the_tokens_of_the_package_or_is_left(rule: str) -> None:
    points = [chr(point) for point in range(0x80, 0x3000) if rule != "words" or not chr(point).isspace()]
    words = [f"{before}{point}{after}" for point in points for before, after in (("a", "b"), ("1", "-"))]
    given_words = strings(words)
    id_T, _, count_W = file(rule)._joining.cut(given_words.data, given_words.stops)
    kept = [word for word, count in zip(words, count_W.tolist(), strict=True) if count != LEFT]
    expected = [each.ids for each in trained(rule).encode_batch(kept, add_special_tokens=False)]
    assert id_T.tolist() == [i for ids in expected for i in ids]
    assert len(kept) > 0.6 * len(words)  # most others are not assigned


@pytest.mark.parametrize("length", [63, 64, 65, 256, 5000, 65_535, 65_536])
def test_a_long_word_has_its_pieces_too(length: int) -> None:
    letters = "".join(random.Random(length).choices("theonsd", k=length))
    given_words = strings(["a" * length, letters, "the", "ab~" * length, "the" * length])
    cuts, slowly = file("words").cut(given_words), without_c("words").cut(given_words)
    assert cuts.number_T.tolist() == slowly.number_T.tolist()
    assert cuts.rest_T.tolist() == slowly.rest_T.tolist()


def test_rules_that_c_does_not_know_are_left_to_the_package() -> None:
    rust = trained("led words")
    for change in ("ignore_merges", "byte"):
        changed = tokenizers.Tokenizer.from_str(rust.to_str())
        if change == "byte":
            changed.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(), RULES["led words"]])
        else:
            changed.model.ignore_merges = True
        assert TokenizersFile(changed.to_str().encode())._joining is None
