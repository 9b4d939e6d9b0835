"""Words are cut in C into the pieces that SentencePiece gives."""

import functools
import io
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from native_switch import switched

from nonplus.kernels.native.cutting import LEFT
from nonplus.kernels.native.unigram import functions
from nonplus.models.ngram.text.cuts import Strings
from nonplus.models.ngram.text.pieces import Pieces
from nonplus.models.ngram.text.words import NewWords

sentencepiece = pytest.importorskip("sentencepiece")

from nonplus.models.ngram.text.sentencepiece_file import SentencePieceFile  # noqa: E402
from nonplus.models.ngram.text.sentencepiece_unigram import unigram_of  # noqa: E402

pytestmark = pytest.mark.skipif(functions() is None, reason="the C kernel is not built or is switched off")

KNOWN = ["the", "re", "ing", "~~", "~", "-", "_", "=", "==", "A", "b", "0", "12", ".", "#", "é"]
PARTS = [*KNOWN, "漢", "\x7f", "<s>", "$", "{"]
WORDS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=12).map("".join)
OPTIONS = {
    "as it is": {},
    "without a sign": {"add_dummy_prefix": False},
    "bytes for what is unknown": {"byte_fallback": True},
    "nothing normalised": {"normalization_rule_name": "identity"},
}
OTHERS = {
    "pairs": {"model_type": "bpe"},
    "characters": {"model_type": "char"},
    "the sign after": {"treat_whitespace_as_suffix": True},
    "a piece of the user's": {"user_defined_symbols": ["=="]},
}


@functools.cache
def trained(**options: object) -> bytes:
    draw, file = random.Random(5), io.BytesIO()
    lines = [" ".join("".join(draw.choices(KNOWN, k=draw.randint(1, 5))) for _ in range(9)) for _ in range(600)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=file,
        **{"vocab_size": 340, "hard_vocab_limit": False, "num_threads": 1, "minloglevel": 2, **options},
    )
    return file.getvalue()


def model(name: str) -> bytes:
    options = {**OPTIONS, **OTHERS}[name]
    return trained(**{key: tuple(value) if isinstance(value, list) else value for key, value in options.items()})


def strings(words: list[str]) -> Strings:
    data = [word.encode() for word in words]
    return Strings(b"".join(data), np.cumsum(np.array(list(map(len, data)), np.int64)))


@pytest.mark.parametrize("name", OPTIONS)
@given(words=st.lists(WORDS, min_size=1, max_size=8))
def test_a_word_has_the_pieces_of_the_package(name: str, words: list[str]) -> None:
    """parity: SentencePiece itself, word by word."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=model(name))
    file = SentencePieceFile(model(name))
    cuts = file.cut(strings(words))

    def name_of(number: int) -> bytes:
        return file.piece(number) if number < file.size else cuts.others[number - file.size]

    ends = np.concatenate([[0], np.cumsum(cuts.count_S)])
    for word, begin, end in zip(words, ends, ends[1:], strict=False):
        expected = processor.Encode(word.encode(), return_type="offset_mapping")
        assert [name_of(number) for number in cuts.number_T[begin:end].tolist()] == expected["pieces"]
        assert [len(word.encode()) - rest for rest in cuts.rest_T[begin:end]] == [end for _, end in expected["offsets"]]


def test_words_that_are_long_or_not_of_ascii_are_left() -> None:
    unigram = unigram_of(model("as it is"))
    assert unigram is not None
    given = strings(["there", "thé", "a\x7f", "th{re", "e" * 300, "", "re re"])
    _, _, count_W = unigram.cut(given.data, given.stops)
    assert (count_W == LEFT).tolist() == [False, True, True, False, True, True, True]


@pytest.mark.parametrize("name", OTHERS)
def test_a_model_with_other_rules_is_left_to_the_package(name: str) -> None:
    assert unigram_of(model(name)) is None


def test_a_model_that_changes_printable_ascii_is_left_to_the_package(tmp_path) -> None:
    rules = tmp_path / "rules.tsv"
    rules.write_text("2E 2E 2E\t2026\n")  # three dots become one character
    assert unigram_of(trained(normalization_rule_tsv=str(rules))) is None


@given(words=st.lists(WORDS, min_size=1, max_size=8))
def test_python_gives_what_c_gives_and_new_words_the_same_numbers(words: list[str]) -> None:
    found = []
    for kind in ("C", "Python"):
        with switched(kind):
            pieces = Pieces(SentencePieceFile(model("as it is")), NewWords())
            data = np.frombuffer(" ".join(words).encode(), np.uint8)
            split = pieces.split(data, np.array([0]), np.array([len(data)]))
            found.append((split.ids_T.tolist(), split.stops_T.tolist(), list(pieces.words)))
    assert found[0] == found[1]
