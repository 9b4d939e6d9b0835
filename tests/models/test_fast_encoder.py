"""A long text is encoded in pieces, with the tokens of the whole."""

import functools
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from nonplus.models import fast_encoder
from nonplus.models.bundled_cards import bundled_folder
from nonplus.models.fast_encoder import FastEncoder
from nonplus.models.token_bytes import TokenBytes

PROSE = Path(__file__).parents[2] / "examples/lost_world.txt"
LLAMA_3 = (  # the pattern of Llama 3's tokenizer.json
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)


def gpt2(data):
    rust = tokenizers.Tokenizer(
        models.BPE.from_file(*(str(data / "tokenizers/gpt2" / f) for f in ("vocab.json", "merges.txt")))
    )
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return rust


def gpt2_with_digits_in_threes(data):
    rust = gpt2(data)
    rust.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(LLAMA_3), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    rust.add_special_tokens(["<end>"])
    rust.add_tokens([tokenizers.AddedToken("   ", normalized=True), tokenizers.AddedToken("<mask>", lstrip=True)])
    return rust


def gpt2_without_words(data):
    rust = gpt2(data)
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)
    return rust


def bert(data):
    rust = tokenizers.Tokenizer(
        models.WordPiece.from_file(str(data / "tokenizers/bert-base-uncased/vocab.txt"), unk_token="[UNK]")
    )
    rust.normalizer = normalizers.BertNormalizer()
    rust.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return rust


def unigram(data):
    rust = tokenizers.Tokenizer(models.Unigram())
    rust.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(tokenizers.Regex(" {2,}"), " ")])
    rust.pre_tokenizer = pre_tokenizers.Metaspace()
    rust.decoder = decoders.Metaspace()
    trainer = tokenizers.trainers.UnigramTrainer(
        vocab_size=600, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False
    )
    rust.train_from_iterator([PROSE.read_text(encoding="utf-8")[:40_000]], trainer)
    return rust


def saved(path):
    return lambda data: tokenizers.Tokenizer.from_file(str(data / path))


KINDS = {
    "bundled": lambda data: saved(bundled_folder("tiny") / "tokenizer.json")(data),
    "gpt2": gpt2,
    "digits in threes": gpt2_with_digits_in_threes,
    "gpt2 without words": gpt2_without_words,
    "gpt-neox": saved("tokenizers/gpt-neox-20b-dolma/tokenizer.json"),
    "stories260K": saved("models/stories260K/tokenizer.json"),
    "bert": bert,
    "unigram": unigram,
}


@functools.cache
def opened(name, data):
    rust = KINDS[name](data)
    rust.no_truncation()
    return rust, FastEncoder(rust, lambda texts: [rust.encode(text, add_special_tokens=False) for text in texts])


def in_whole(rust, text):
    (encoding,) = TokenBytes(rust).encodings([text], [rust.encode(text, add_special_tokens=False)])
    return encoding.ids.tolist(), encoding.byte_ends.tolist()


@pytest.fixture(scope="module")
def short_pieces():
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(fast_encoder, "_PIECE", 400)
        changed.setattr(fast_encoder, "_OVERLAPS", (100, 200, 300))
        yield


BITS = st.sampled_from(
    ["the ", "The lost world", " ", "\n", "\r\n", "\t", "1234567", "a", "ab", "é", "e\u0301", "Да ", "中文字", "🦊"]
) | st.sampled_from(["<end>", "<mask>", "<s>", "▁", "'s", "...", "!!\n", "\u3000", "ﬁ", "xxxxxxxxx", "don't ", "0"])
LONG = st.lists(st.tuples(BITS, st.integers(1, 12)), min_size=8, max_size=60).map(
    lambda runs: "".join(bit * n for bit, n in runs)
)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
@given(LONG)
@settings(max_examples=60)
def test_pieces_have_the_tokens_of_the_whole(data, short_pieces, name, text):
    rust, encoder = opened(name, data)
    (encoding,) = encoder.encode([text], specials=False)
    assert encoding.ids.tolist() == in_whole(rust, text)[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bundled", "gpt2", "digits in threes", "gpt2 without words", "stories260K"])
@given(LONG)
@settings(max_examples=20)
def test_tokens_of_pieces_end_at_the_bytes_of_the_whole(data, short_pieces, name, text):
    rust, encoder = opened(name, data)
    (encoding,) = encoder.encode([text], specials=False)
    assert encoding.byte_ends.tolist() == in_whole(rust, text)[1]


@pytest.mark.parametrize("name", KINDS)
def test_prose_is_never_encoded_as_a_whole(data, short_pieces, name):
    rust, _ = opened(name, data)
    asked = []

    def encode(texts):
        asked.extend(texts)
        return [rust.encode(text, add_special_tokens=False) for text in texts]

    text = PROSE.read_text(encoding="utf-8")[:20_000]
    (encoding,) = FastEncoder(rust, encode).encode([text], specials=False)
    assert encoding.ids.tolist() == in_whole(rust, text)[0]
    assert max(map(len, asked)) <= 400
    assert sum(map(len, asked)) < 2 * len(text)


def test_a_text_of_one_endless_word_is_encoded_as_a_whole(data, short_pieces):
    rust, encoder = opened("bert", data)
    (encoding,) = encoder.encode(["x" * 5000], specials=False)
    assert encoding.ids.tolist() == [rust.token_to_id("[UNK]")]


def test_special_tokens_go_around_all_pieces(data, short_pieces):
    rust = KINDS["stories260K"](data)
    encoder = FastEncoder(rust, lambda texts: [rust.encode(text, add_special_tokens=False) for text in texts])
    text = "Once upon a time. " * 100
    bare, full = (encoder.encode([text], specials=own)[0] for own in (False, True))
    assert full.ids.tolist() == [1, *bare.ids.tolist()] == rust.encode(text).ids
    assert full.byte_ends.tolist() == [0, *bare.byte_ends.tolist()]


def test_tokens_are_added_on_the_right_side_by_a_vocabulary_without_the_letter_a():
    rust = tokenizers.Tokenizer(models.BPE(vocab={"<s>": 0, "</s>": 1, "C": 2, "G": 3, "CG": 4}, merges=[("C", "G")]))
    rust.add_special_tokens(["<s>", "</s>"])
    rust.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)])
    encoder = FastEncoder(rust, lambda texts: [rust.encode(text, add_special_tokens=False) for text in texts])
    (encoding,) = encoder.encode(["CGG"], specials=True)
    assert encoding.ids.tolist() == [0, 4, 3, 1]
    assert encoding.byte_ends.tolist() == [0, 2, 3, 3]
    assert encoder.before == [0]
