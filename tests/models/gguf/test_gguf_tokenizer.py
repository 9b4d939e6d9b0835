"""Tokenizers of GGUF files give the ids that llama.cpp gives."""

import json
import re

import pytest

pytest.importorskip("torch", reason="files are opened by transformers")
pytest.importorskip("transformers", reason="files are opened by transformers")
pytest.importorskip("gguf", reason="files are written with it")

import gguf
import tokenizers
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

from nonplus.errors import BadModel
from nonplus.models.gguf.header import read
from nonplus.models.gguf.tokenizer import tokenizer_of
from nonplus.models.hf.tokenizer import HFTokenizer

TEXT = "In 1984, ١٢٣ cost $5,00.75;  don't\n\n  x=10**2 and 3½."


def opened(file, folder):
    folder.mkdir(exist_ok=True)
    return HFTokenizer(tokenizer_of(file, read(file), folder))


def ids_of(tokenizer, text):
    return tokenizer.encode([text], specials=False)[0].ids.tolist()


def byte_level(file, way, *, texts):
    """A vocabulary trained on ``texts``, which a file says are cut in this way; and its
    own tokenizer, which cuts digits off one by one.
    """
    original = tokenizers.Tokenizer(tokenizers.models.BPE())
    original.pre_tokenizer = Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=600, initial_alphabet=ByteLevel.alphabet(), show_progress=False)
    original.train_from_iterator(texts, trainer)
    tokens = sorted(original.get_vocab(), key=original.get_vocab().get)
    merges = [" ".join(pair) for pair in json.loads(original.to_str())["model"]["merges"]]
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_tokenizer_model("gpt2")
    if way:
        writer.add_tokenizer_pre(way)
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(tokens))
    writer.add_token_merges(merges)
    for write_part in (writer.write_header_to_file, writer.write_kv_data_to_file):
        write_part()
    writer.close()
    return original


def test_ids_are_those_that_llama_cpp_gives_for_its_own_test_texts(data, tmp_path):
    # golden: models/ggml-vocab-gpt-2.gguf with its .inp and .out of ggml-org/llama.cpp
    file = data / "tokenizers" / "gguf" / "ggml-vocab-gpt-2.gguf"
    texts = file.with_suffix(".gguf.inp").read_text(encoding="utf-8").split("\n__ggml_vocab_test__\n")
    expected = file.with_suffix(".gguf.out").read_text().split("\n")
    ours = opened(file, tmp_path / "empty")
    assert [ids_of(ours, text) for text in texts] == [[int(i) for i in line.split()] for line in expected[: len(texts)]]


@pytest.mark.parametrize("way", ["smollm", "starcoder"])
def test_digits_stand_alone_where_the_file_says_so(tmp_path, data, way):
    texts = [(data / "eval" / "names.txt").read_text()[:20_000], *["x=12 y=345 it's"] * 50]
    original = byte_level(tmp_path / "m.gguf", way, texts=texts)
    ours = opened(tmp_path / "m.gguf", tmp_path / "empty")
    assert ids_of(ours, TEXT) == original.encode(TEXT).ids


@pytest.mark.parametrize(("way", "named"), [("deepseek-llm", "deepseek-llm"), ("", "default")])
def test_a_way_to_cut_texts_that_is_not_known_is_refused(tmp_path, way, named):
    byte_level(tmp_path / "m.gguf", way, texts=["abc"])
    with pytest.raises(BadModel, match=re.escape(f"texts are cut as '{named}' (tokenizer.ggml.pre)")):
        opened(tmp_path / "m.gguf", tmp_path / "empty")


def test_a_piece_that_is_a_token_stays_whole_where_llama_cpp_keeps_it(tmp_path):
    byte_level(tmp_path / "m.gguf", "llama-bpe", texts=["abc"])
    rules = opened(tmp_path / "m.gguf", tmp_path / "empty")
    assert rules._tokenizer.backend_tokenizer.model.ignore_merges
