"""A SentencePiece model trained on a sample of a corpus."""

import random

import pytest

from nonplus.errors import BadInput
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.text.pieces import Pieces
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.words import NewWords

pytest.importorskip("sentencepiece")

from nonplus.models.ngram.text import sentencepiece_training
from nonplus.models.ngram.text.sentencepiece_file import SentencePieceFile
from nonplus.models.ngram.text.sentencepiece_training import trained

pytestmark = pytest.mark.filterwarnings("ignore:the text gives .* pieces:nonplus.errors.SuspectInput")


def texts(n=300):
    draw = random.Random(3)
    words = ["river", "rivers", "running", "runner", "late", "later", "Été", "1905", "of", "the", "the"]
    return ["\n".join(" ".join(draw.choices(words, k=8)) for _ in range(4)) for _ in range(n)]


def model_of(given, pieces=60, normalizer="standard", unit="line"):
    return trained(given, normalizer=named(normalizer), unit=unit, pieces=pieces)


def test_any_order_of_the_documents_gives_the_same_model():
    given = texts()
    assert model_of(given) == model_of(given[::-1]) == model_of(random.Random(1).sample(given, len(given)))


def test_a_sample_of_a_large_corpus_depends_on_no_order(monkeypatch):
    monkeypatch.setattr(sentencepiece_training, "_SAMPLE", 4000)
    given = texts()
    assert model_of(given) == model_of(given[::-1]) != model_of(given[:20])


def test_its_pieces_are_of_the_normalised_text():
    words = Rules(
        named("ccnet"), Pieces(SentencePieceFile(model_of(texts(), normalizer="ccnet", unit="document")), NewWords())
    )
    found = words.sentences(["River RIVER 1234 été"])
    pieces = [words.words[i] for i in found.ids_T]
    assert "".join(pieces).replace("▁", " ") == "<s> river river 0000 ete</s>"


def test_a_model_of_pieces_cuts_words_by_themselves():
    assert SentencePieceFile(model_of(texts())).blanks == b" "


def test_a_corpus_of_one_long_text_is_sampled_too(monkeypatch):
    monkeypatch.setattr(sentencepiece_training, "_SAMPLE", 10_000)
    assert b"river" in model_of([" ".join(texts())], unit="document")


def test_a_small_text_gives_fewer_pieces():
    assert len(model_of(texts(5), pieces=5000)) < len(model_of(texts(), pieces=60)) * 3


@pytest.mark.parametrize(
    ("given", "pieces", "said"),
    [
        ([], 100, "^there is no text to train pieces on"),
        (["one two"], 3, "^sentencepiece:3 has too few pieces"),
        (
            ["abcdefghijklmnopqrstuvwxyz " * 9],
            9,
            "^no SentencePiece model of 9 pieces can be trained on text with 27 different characters; use more",
        ),
    ],
)
def test_a_text_that_gives_no_model_is_refused(given, pieces, said):
    with pytest.raises(BadInput, match=said):
        model_of(given, pieces)
