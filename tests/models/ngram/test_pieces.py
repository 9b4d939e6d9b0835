"""Pieces of words: subword tokenizers and bytes as the words of n-gram models."""

import functools
import io
import random

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from nasty_texts import characters, units
from tokenizers import models, normalizers, pre_tokenizers, trainers

from nonplus.errors import BadModel
from nonplus.kernels.native import words as native
from nonplus.models.ngram.bundle import open_bundle, write_bundle
from nonplus.models.ngram.ngrams import Block, NgramsInMemory
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.text import pieces as pieces_module
from nonplus.models.ngram.text.byte_words import ByteWords
from nonplus.models.ngram.text.pieces import Pieces, plain_pieces_of, written
from nonplus.models.ngram.text.rules import Rules, rules_of
from nonplus.models.ngram.text.splitters import piece_model
from nonplus.models.ngram.text.tokenizer import RulesTokenizer
from nonplus.models.ngram.text.tokenizers_file import TokenizersFile
from nonplus.models.ngram.text.words import NewWords, Words

SPECIAL = ["<unk>", "<s>", "</s>"]


def lines():
    draw = random.Random(5)
    syllables = ["ma", "na", "the", "ing", "er", "ho", "li", "st", "qu", "é", "12", "~", "漢", "-", ".", "AB"]
    return [" ".join("".join(draw.choices(syllables, k=draw.randint(1, 4))) for _ in range(9)) for _ in range(700)]


@functools.cache
def sentencepiece_model(**options):
    """A SentencePiece model with these options of its trainer."""
    sentencepiece = pytest.importorskip("sentencepiece")
    from nonplus.models.ngram.text.sentencepiece_file import SentencePieceFile

    file = io.BytesIO()
    given_options = {"vocab_size": 120, "num_threads": 1, "minloglevel": 2} | options
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines()), model_writer=file, **given_options)
    return SentencePieceFile(file.getvalue())


def tokenizer_file(*, pre_tokenizer, normalizer=None):
    rust = tokenizers.Tokenizer(models.BPE(unk_token="[UNK]"))
    rust.pre_tokenizer, rust.normalizer = pre_tokenizer, normalizer or normalizers.Sequence([])
    rust.train_from_iterator(lines(), trainers.BpeTrainer(vocab_size=150, special_tokens=["[UNK]"]))
    return TokenizersFile(rust.to_str().encode())


@functools.cache
def bert_like():
    return tokenizer_file(pre_tokenizer=pre_tokenizers.Whitespace(), normalizer=normalizers.Lowercase())


@functools.cache
def byte_level():
    return tokenizer_file(pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=False))


SPLITTERS = {
    "sentencepiece": lambda vocabulary: Pieces(sentencepiece_model(), vocabulary),
    "like BERT's": lambda vocabulary: Pieces(bert_like(), vocabulary),
    "like GPT-2's": lambda vocabulary: Pieces(byte_level(), vocabulary),
    "bytes": ByteWords,
}


def unigrams(vocabulary):
    chances = np.full(vocabulary, -np.log10(vocabulary), np.float32)
    return Block(np.arange(vocabulary, dtype=np.int32)[:, None], chances, np.zeros_like(chances))


def parts_of(*texts):
    stop_S = np.cumsum([len(text) for text in texts], dtype=np.int64)
    return np.frombuffer(b"".join(texts), np.uint8), stop_S - [len(text) for text in texts], stop_S


def pieces_of(splitter, *texts):
    """The pieces of each text, from those of all of them."""
    split = splitter.split(*parts_of(*texts))
    words = [splitter.words[i] for i in split.ids_T]
    stops = np.cumsum(split.counts_S)
    return [words[stop - count : stop] for stop, count in zip(stops, split.counts_S, strict=True)]


def known_to(model):
    """A splitter that knows all pieces it can meet: it learns them."""
    return Pieces(model, NewWords())


@pytest.mark.skipif(native.functions() is None, reason="the C kernel is not built or is switched off")
@given(counts=st.lists(st.integers(0, 3), min_size=1, max_size=5), data=st.data())
def test_pieces_are_gathered_in_c_as_in_numpy(counts, data):
    first_V = np.cumsum([0, *counts])
    numbers = data.draw(st.lists(st.integers(0, len(counts) - 1), max_size=9))
    end_W, pieces = 10 * np.arange(1, len(numbers) + 1), np.arange(first_V[-1], dtype=np.int32)
    cut = sorted(data.draw(st.lists(st.integers(0, len(numbers)), max_size=3)))
    words_S = np.diff([0, *cut, len(numbers)])
    given_words = (np.array(numbers, np.int32), end_W, words_S, first_V, pieces, 7 - pieces.astype(np.int64))
    for c, numpy in zip(native.pieces_of(*given_words), plain_pieces_of(*given_words), strict=True):
        assert c.tolist() == numpy.tolist()


def test_a_sentencepiece_model_cuts_at_the_blanks_that_it_takes_for_blanks():
    assert sentencepiece_model().blanks == b"\t\n\f\r "  # nmt_nfkc deletes U+000B
    assert sentencepiece_model(normalization_rule_name="identity").blanks == b" "


def test_a_sentencepiece_model_whose_pieces_reach_over_blanks_cuts_texts_whole():
    assert sentencepiece_model(split_by_whitespace=False).blanks == b""
    assert sentencepiece_model(add_dummy_prefix=False).blanks == b""
    assert sentencepiece_model(remove_extra_whitespaces=False).blanks == b""


@given(texts=st.lists(st.text(characters, max_size=20), min_size=1, max_size=4))
def test_kept_pieces_are_those_of_sentencepiece_for_each_word(texts):
    """Of whole texts, they are up to ties."""
    own = functools.partial(sentencepiece_model()._processor.Encode, return_type=str)
    blanks = dict.fromkeys(b"\t\n\f\r", " ")
    expected = []
    for text in texts:
        words = [text] if "\v" in text else text.translate(blanks).split(" ")
        expected.append([piece for word in words for piece in own(word)])
    assert pieces_of(known_to(sentencepiece_model()), *(text.encode() for text in texts)) == expected


def test_kept_pieces_are_those_of_whole_texts_without_ties():
    texts = [line.replace("~", "") for line in lines()]
    whole = [sentencepiece_model()._processor.Encode(text, return_type=str) for text in texts]
    assert pieces_of(known_to(sentencepiece_model()), *(text.encode() for text in texts)) == whole


@pytest.mark.parametrize("made", [bert_like, byte_level])
def test_a_tokenizers_file_gives_the_tokens_of_its_package(made):
    model = made()
    assert (model.blanks, model.led) == ((b"", True) if made is byte_level else (b"\t\n\v\f\r ", False))
    texts = [*lines()[:50], "", "  ", "ma\tna\v \u00a0the<s>[UNK]\0"]
    alone = tokenizers.Tokenizer.from_buffer(model.data)
    alone.encode_special_tokens = True
    tokens = [alone.encode(text, add_special_tokens=False).tokens for text in texts]
    expected = [["<unk>" if token == "[UNK]" else token for token in own] for own in tokens]
    assert pieces_of(known_to(model), *(text.encode() for text in texts)) == expected


def test_words_that_are_forgotten_have_the_same_pieces_again(monkeypatch):
    texts = [line.encode() for line in lines()]
    kept = pieces_of(known_to(sentencepiece_model()), *texts)
    monkeypatch.setattr(pieces_module, "_MOST_WORDS", 10)
    forgetful = known_to(sentencepiece_model())
    assert [pieces_of(forgetful, text)[0] for text in texts] == kept


def test_a_piece_that_a_model_does_not_know_is_unknown():
    splitter = Pieces(sentencepiece_model(), Words([*SPECIAL, "▁ma", "na"]))
    assert pieces_of(splitter, b"mana maq <s>")[0][:4] == ["▁ma", "na", "▁ma", "<unk>"]
    assert "<s>" not in pieces_of(splitter, b"<s> </s> <unk>")[0]


def between_blanks(model):
    """A tokenizers file of this model, which cuts at blanks."""
    rust = tokenizers.Tokenizer(model)
    rust.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return TokenizersFile(rust.to_str().encode())


UNKNOWN_NAMES = {
    "words": models.WordLevel({"[UNK]": 0, "ma": 1}, unk_token="[UNK]"),
    "like BERT's": models.WordPiece({"[UNK]": 0, "ma": 1}, unk_token="[UNK]"),
    "unigrams": models.Unigram([("[UNK]", 0.0), ("ma", -1.0)], unk_id=0),
    "merges": models.BPE({"?": 0, "m": 1, "a": 2, "ma": 3}, [("m", "a")], unk_token="?"),
    "merges with some bytes": models.BPE(
        {"?": 0, "m": 1, "a": 2, "ma": 3, "<0x00>": 4}, [("m", "a")], unk_token="?", byte_fallback=True
    ),
}


@pytest.mark.parametrize("model", UNKNOWN_NAMES.values(), ids=UNKNOWN_NAMES)
def test_what_a_tokenizers_file_names_its_unknown_token_is_unknown_to_every_model(model):
    splitter = known_to(between_blanks(model))
    assert pieces_of(splitter, b"ma q ma")[0] == ["ma", "<unk>", "ma"]
    assert splitter.words == [*SPECIAL, "ma"]
    assert splitter.decode([3, 0, 2]) == "ma<unk></s>"


def every_byte(*more):
    return {token: i for i, token in enumerate([*more, *(f"<0x{byte:02X}>" for byte in range(256))])}


def signs():
    return {sign: i for i, sign in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}


def test_a_tokenizers_file_with_a_token_for_every_byte_has_no_unknown_one():
    """Some name a token of real text all the same."""
    falls_back = between_blanks(models.BPE(every_byte("?", "m"), [], unk_token="?", byte_fallback=True))
    assert pieces_of(known_to(falls_back), "m ? é".encode())[0] == ["m", "?", "<0xC3>", "<0xA9>"]
    rust = tokenizers.Tokenizer(models.BPE(signs(), [], unk_token="?"))
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    assert pieces_of(known_to(TokenizersFile(rust.to_str().encode())), "m?é".encode())[0] == ["m", "?", "Ã", "©"]


def test_words_of_which_each_sign_is_known_can_be_unknown():
    """The byte-level alphabet writes every text by merges, not by whole words."""
    rust = tokenizers.Tokenizer(models.WordLevel({**signs(), "[UNK]": 256}, unk_token="[UNK]"))
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    assert pieces_of(known_to(TokenizersFile(rust.to_str().encode())), b"m ma")[0] == ["m", "<unk>"]


def test_text_without_a_token_in_berts_vocabulary_is_unknown(data):
    words = models.WordPiece.read_file(str(data / "tokenizers/bert-base-uncased/vocab.txt"))
    rust = tokenizers.Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
    rust.normalizer, rust.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    rust.add_special_tokens(["[UNK]", "[CLS]"])
    pieces = pieces_of(known_to(TokenizersFile(rust.to_str().encode())), "Rain \N{SNOWMAN}s, [CLS] [UNK]?".encode())[0]
    assert pieces == ["rain", "<unk>", ",", "[", "cl", "##s", "]", "[", "un", "##k", "]", "?"]


def test_no_text_is_unknown_to_a_tokenizer_of_bytes_or_one_that_falls_back_to_them(data):
    files = [
        data / "tokenizers/gpt-neox-20b-dolma/tokenizer.json",
        data / "models/stories260K/tokenizer.json",
        data / "tokenizers/ours/bpe8192-mix.json",
    ]
    for file in files:
        pieces = pieces_of(known_to(piece_model(file)), "rain \N{SNOWMAN}\0 \U00010380?".encode())[0]
        assert len(pieces) > 4
        assert "<unk>" not in pieces


def test_text_without_a_piece_of_sentencepiece_is_a_word_as_it_is_written():
    """As in the words that cc_net and its like hand to KenLM."""
    model = sentencepiece_model()
    assert model._processor.unk_id() in model._processor.Encode("\N{SNOWMAN}\N{COMET}", return_type=int)
    splitter = known_to(model)
    assert "\N{SNOWMAN}\N{COMET}" in pieces_of(splitter, "ma \N{SNOWMAN}\N{COMET} ma".encode())[0]
    assert "<unk>" in pieces_of(Pieces(model, Words(splitter.words)), "\N{COMET}".encode())[0]


@given(text=st.text(characters), unit=units)
def test_pieces_tile_a_text(text, unit):
    for splitter in SPLITTERS.values():
        found = Rules(named("standard"), splitter(NewWords()), unit=unit).sentences([text])
        assert (np.diff(found.byte_ends_T, prepend=0) >= 0).all()
        assert found.byte_ends_T[-1:].tolist() in ([], [len(text.encode())])


def test_a_blank_belongs_to_the_piece_after_it():
    found = Rules(named("raw"), Pieces(sentencepiece_model(), Words([*SPECIAL, "▁ma"]))).sentences(["ma  ma \n"])
    # <s>, ▁ma, ▁ma, </s>
    assert found.ids_T.tolist() == [1, 3, 3, 2]
    assert found.byte_ends_T.tolist() == [0, 2, 6, 8]


@given(text=st.text(characters), unit=units)
def test_bytes_are_words_of_their_own(text, unit):
    rules = Rules(named("raw"), ByteWords(NewWords()), unit=unit, begin=False, end=False)
    found, data = rules.sentences([text]), text.encode()
    kept = data if unit == "document" else data.replace(b"\n", b"")
    assert [rules.words[i] for i in found.ids_T] == [f"<0x{byte:02X}>" for byte in kept]
    assert RulesTokenizer(rules).decode(found.ids_T.tolist()) == kept.decode()


def test_a_model_of_bytes_has_no_unknown_ones():
    assert len(ByteWords(NewWords()).words) == 3 + 256


@pytest.mark.parametrize("splitter", SPLITTERS.values(), ids=SPLITTERS)
def test_rules_are_read_again_with_the_tokenizers_file(splitter, tmp_path):
    rules = Rules(named("standard"), splitter(NewWords()))
    ids = rules.sentences(lines()).ids_T
    closed = Rules(named("standard"), splitter(Words(rules.words)))
    for name, content in rules.files.items():
        (tmp_path / name).write_bytes(content)
    again = rules_of(rules.as_dict(), rules.words, folder=tmp_path)
    assert again.identity == closed.identity == rules.identity
    assert again.sentences(lines()).ids_T.tolist() == ids.tolist()


def test_a_bundle_has_the_tokenizers_file(tmp_path):
    ngrams = NgramsInMemory([*SPECIAL, "▁ma", "na"], (unigrams(5),))
    rules = Rules(named("standard"), Pieces(sentencepiece_model(), Words(ngrams.words)))
    write_bundle(tmp_path / "model", ngrams, rules=rules)
    opened = open_bundle(tmp_path / "model")
    assert opened.rules.identity == rules.identity
    assert opened.rules.sentences(["mana"]).ids_T.tolist() == [1, 3, 4, 2]
    (tmp_path / "model" / "tokenizer.model").write_bytes(b"other")
    with pytest.raises(BadModel, match=r"files\.tokenizer\.model"):
        open_bundle(tmp_path / "model")


def test_a_file_that_is_no_tokenizer_is_refused_by_name(tmp_path):
    pytest.importorskip("sentencepiece")
    with pytest.raises(BadModel, match=r"no file .*nowhere"):
        piece_model(tmp_path / "nowhere.model")
    (tmp_path / "broken.json").write_bytes(b'{"version": 3')
    with pytest.raises(BadModel, match=r"broken\.json cannot be read as a tokenizer"):
        piece_model(tmp_path / "broken.json")
    (tmp_path / "broken.model").write_bytes(b"\x00\x01what")
    with pytest.raises(BadModel, match=r"broken\.model is neither a SentencePiece model nor a tokenizer\.json"):
        piece_model(tmp_path / "broken.model")


@given(st.lists(st.lists(st.sampled_from([b"<", b"+", b"20>", b"3C>", b" ", b"empty>", b"a"])).map(b"".join)))
def test_pieces_are_different_words_without_blanks(pieces: list[bytes]) -> None:
    words = {piece: written(piece) for piece in pieces}
    assert len({*words.values()}) == len(words)
    assert all(word and b" " not in word for word in words.values())


def test_a_piece_without_blanks_is_a_word_as_it_is() -> None:
    assert [written(piece) for piece in (b"a", b"<0x20>", b"<s>", b"<+")] == [b"a", b"<0x20>", b"<s>", b"<+"]
    assert [written(piece) for piece in (b"a b", b"a<+20>b", b"", b"<empty>")] == [
        b"a<+20>b", b"a<+3C>+20>b", b"<empty>", b"<+3C>empty>"
    ]  # fmt: skip
