"""Words that are cut by themselves: with the tokens that the package has for a text."""

import functools
from pathlib import Path

import pytest
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nasty_texts import characters
from tests.models.ngram.test_pieces import lines, parts_of
from tokenizers import AddedToken, Regex, models, normalizers, pre_tokenizers, trainers

import nonplus.models.ngram.text.pieces as pieces_module
from nonplus.models.fast_encoder import FastEncoder
from nonplus.models.ngram.text import word_cuts
from nonplus.models.ngram.text.pieces import Pieces, written
from nonplus.models.ngram.text.tokenizers_file import TokenizersFile
from nonplus.models.ngram.text.words import NewWords

BUNDLED = Path(word_cuts.__file__).parents[2] / "bundled" / "base" / "tokenizer.json"
BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def trained(pre_tokenizer, normalizer=None, dropout=None):
    rust = tokenizers.Tokenizer(models.BPE(dropout=dropout, unk_token="?"))
    rust.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        rust.normalizer = normalizer
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    rust.train_from_iterator(lines(), trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet))
    return rust


def gpt2(data):
    files = (str(data / "tokenizers/gpt2" / name) for name in ("vocab.json", "merges.txt"))
    rust = tokenizers.Tokenizer(models.BPE.from_file(*files))
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return rust


def bert(data):
    words = tokenizers.models.WordPiece.read_file(str(data / "tokenizers/bert-base-uncased/vocab.txt"))
    rust = tokenizers.Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
    rust.normalizer, rust.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    return rust


def pattern(of):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(of), "isolated"), BYTES])


def with_added_tokens(data):
    rust = trained(pre_tokenizers.ByteLevel(add_prefix_space=True), normalizers.NFC())
    rust.add_tokens([AddedToken("   ", normalized=True), AddedToken(" in"), AddedToken("ma", single_word=True)])
    rust.add_special_tokens([AddedToken("<s>", lstrip=False)])
    return rust


LED = {
    "GPT-2": gpt2,
    "bundled": lambda data: tokenizers.Tokenizer.from_file(str(BUNDLED)),
    "GPT-NeoX": lambda data: tokenizers.Tokenizer.from_file(str(data / "tokenizers/gpt-neox-20b-dolma/tokenizer.json")),
    "cl100k": lambda data: trained(pattern(word_cuts._CL100K)),
    "Qwen 2": lambda data: trained(pattern(word_cuts._QWEN2), normalizers.NFC()),
    "o200k": lambda data: trained(pattern(word_cuts._O200K)),
    "Metaspace": lambda data: trained(pre_tokenizers.Metaspace()),
    "Metaspace, first": lambda data: trained(pre_tokenizers.Metaspace(prepend_scheme="first")),
    "added tokens": with_added_tokens,
}
WHOLE = {
    "no pattern": lambda: trained(BYTES),
    "a pattern of its own": lambda: trained(pattern(r"\p{L}+ |.")),
    "drawn merges": lambda: trained(pre_tokenizers.ByteLevel(), dropout=0.5),
    "blanks that are made": lambda: trained(pre_tokenizers.ByteLevel(), normalizers.NFKC()),
    "blanks inside words": lambda: trained(pre_tokenizers.Metaspace(split=False)),
}


@functools.cache
def tokenizer_of(name, data):
    """The package's tokenizer as the models use it, and ours of its file."""
    rust = {**LED, "BERT": bert}[name](data)
    own = tokenizers.Tokenizer.from_str(rust.to_str())
    own.encode_special_tokens = True
    encode = functools.partial(
        FastEncoder(own, lambda texts: [own.encode(t, add_special_tokens=False) for t in texts]).encode, specials=False
    )
    return own, encode, TokenizersFile(rust.to_str().encode())


texts = st.lists(
    st.text(characters) | st.sampled_from(["x ", " y", "'s it", " \n a", "é é", "the  end", "ma in"]), max_size=6
)


@pytest.mark.parametrize("name", [*LED, "BERT"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(given_texts=st.lists(texts.map("".join), min_size=1, max_size=4))
def test_kept_words_have_the_tokens_of_whole_texts(name, data, given_texts):
    own, encode, model = tokenizer_of(name, data)
    assert model.led == (name in LED)
    splitter = Pieces(model, NewWords())
    split = splitter.split(*parts_of(*(text.encode() for text in given_texts)))
    ids = [own.encode(text, add_special_tokens=False).ids for text in given_texts]
    assert split.counts_S.tolist() == [len(each) for each in ids]
    tokens = [str(own.id_to_token(i)) for each in ids for i in each]
    unknown = {"BERT": "[UNK]", "Metaspace": "?", "Metaspace, first": "?"}.get(name)
    spelled = ["<unk>" if token == unknown else written(token.encode()).decode() for token in tokens]
    assert [splitter.words[i] for i in split.ids_T] == spelled
    begins = [sum(len(text.encode()) for text in given_texts[:n]) for n in range(len(given_texts))]
    whole = [begin + encode([text]).byte_ends for begin, text in zip(begins, given_texts, strict=True)]
    assert split.stops_T.tolist() == [end for each in whole for end in each.tolist()]


@pytest.mark.parametrize("made", WHOLE.values(), ids=WHOLE)
def test_a_tokenizer_that_may_look_over_a_blank_cuts_whole_texts(made):
    model = TokenizersFile(made().to_str().encode())
    assert (model.led, model.blanks) == (False, b"")


def test_long_words_are_forgotten_before_they_fill_the_memory(monkeypatch):
    monkeypatch.setattr(pieces_module, "_MOST_BYTES", 100)
    splitter = Pieces(TokenizersFile(BUNDLED.read_bytes()), NewWords())
    for n in range(20):
        splitter.split(*parts_of(b"x" * (30 + n)))
        assert splitter._kept._words.size <= 100 + 50
