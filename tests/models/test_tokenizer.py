"""The tokenizer of a folder: bytes of tokens, special tokens, identity."""

import functools
import json
import subprocess
import sys

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadModel
from nonplus.measure.interfaces import Special
from nonplus.models.bundled_cards import bundled_folder
from nonplus.models.llama.tokenizer import FileTokenizer

WORDS = {"<s>": 0, "</s>": 1, "a": 2, "b": 3, "<unk>": 4}


def folder_with(folder, *, template="", config=None):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(WORDS, unk_token="<unk>"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    if template:
        tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
            single=template, special_tokens=[("<s>", 0), ("</s>", 1)]
        )
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=9)
    tokenizer.save(str(folder / "tokenizer.json"))
    if config is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def test_a_text_becomes_ids_and_the_byte_at_which_each_ends(tmp_path):
    (encoding,) = FileTokenizer(folder_with(tmp_path)).encode(["b  a"], specials=True)
    assert encoding.ids.tolist() == [3, 2]
    assert encoding.byte_ends.tolist() == [1, 4]
    assert encoding.ids.dtype == encoding.byte_ends.dtype == np.int64


def test_no_text_becomes_no_ids(tmp_path):
    (encoding,) = FileTokenizer(folder_with(tmp_path)).encode([""], specials=True)
    assert encoding.ids.shape == encoding.byte_ends.shape == (0,)


def test_special_tokens_are_added_only_when_asked_for(tmp_path):
    tokenizer = FileTokenizer(folder_with(tmp_path, template="<s> $A </s>"))
    assert tokenizer.encode(["a"], specials=True)[0].ids.tolist() == [0, 2, 1]
    assert tokenizer.encode(["a"], specials=False)[0].ids.tolist() == [2]


def test_text_that_spells_a_special_token_is_that_token_or_text(tmp_path):
    tokenizer = FileTokenizer(folder_with(tmp_path, template="<s> $A"))
    parsed, plain = (tokenizer.encode(["a</s>b"], specials=True, special_text=way)[0] for way in ("parsed", "plain"))
    assert parsed.ids.tolist() == [0, 2, 1, 3]
    assert plain.ids.tolist() == [0, 2, 4, 4, 4, 3]  # the words "a", "</", "s", ">", "b"
    assert tokenizer.encode(["a</s>b"], specials=True)[0].ids.tolist() == parsed.ids.tolist()


def test_truncation_and_padding_in_the_file_are_not_applied(tmp_path):
    tokenizer = FileTokenizer(folder_with(tmp_path))
    assert len(tokenizer.encode(["a " * 30], specials=True)[0].ids) == 30


def test_decoding_keeps_special_tokens(tmp_path):
    assert FileTokenizer(folder_with(tmp_path)).decode([np.int64(0), 2]) == "<s> a"


@pytest.mark.parametrize(
    ("template", "config", "model", "expected"),
    [
        ("<s> $A", {"bos_token": "b"}, {"bos_token_id": 3}, (0, None)),
        ("$A </s>", {}, {}, (None, None)),
        ("", {"bos_token": "<s>", "eos_token": {"content": "</s>"}}, {"bos_token_id": 3, "eos_token_id": 3}, (0, 1)),
        ("", {"bos_token": None}, {"bos_token_id": 2, "eos_token_id": [1, 0]}, (None, 1)),
        ("", None, {}, (None, None)),
    ],
)
def test_bos_is_added_or_named_by_the_tokenizer_and_eos_may_be_named_by_the_model(
    tmp_path, template, config, model, expected
):
    tokenizer = FileTokenizer(folder_with(tmp_path, template=template, config=config))
    assert tokenizer.special(model) == Special(bos=expected[0], eos=expected[1])


def test_the_identity_is_that_of_the_file(tmp_path):
    for name in ("one", "same", "other"):
        (tmp_path / name).mkdir()
    one, same = (FileTokenizer(folder_with(tmp_path / name)) for name in ("one", "same"))
    other = FileTokenizer(folder_with(tmp_path / "other", template="<s> $A"))
    assert one.identity == same.identity != other.identity


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "has no tokenizer.json"),
        ({"tokenizer.json": "{"}, "cannot be read as a tokenizer"),
    ],
)
def test_a_folder_without_a_tokenizer_is_refused(tmp_path, files, message):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(BadModel, match=message):
        FileTokenizer(tmp_path)


def test_a_broken_configuration_is_named(tmp_path):
    (folder_with(tmp_path) / "tokenizer_config.json").write_text("[]")
    with pytest.raises(BadModel, match=r"tokenizer_config.json holds a list"):
        FileTokenizer(tmp_path)


@pytest.mark.parametrize(
    ("config", "message"), [({}, "no chat template"), ({"chat_template": "{{ messages }}"}, "open it as hf:")]
)
def test_a_chat_template_needs_transformers(tmp_path, config, message):
    with pytest.raises(BadModel, match=message):
        FileTokenizer(folder_with(tmp_path, config=config)).chat([])


opened = functools.cache(FileTokenizer)


@pytest.mark.parametrize("name", ["gpt-neox-20b-dolma", "../models/stories260K"])
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_byte_ends_rise_to_the_end_of_the_text(data, name, text):
    (encoding,) = opened(data / "tokenizers" / name).encode([text], specials=True)
    assert np.all(np.diff(encoding.byte_ends, prepend=0) >= 0)
    assert encoding.byte_ends[-1:].sum() <= len(text.encode())


TINY = bundled_folder("tiny")


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.text("aé🦊中\u0301 \n"))
def test_every_beginning_of_a_byte_level_text_is_what_its_tokens_decode_to(text):
    """The oracle decodes each beginning of the ids and counts the bytes of whole
    characters; inside a character its own signs are counted.
    """
    rust = tokenizers.Tokenizer.from_file(str(TINY / "tokenizer.json"))
    (encoding,) = FileTokenizer(TINY).encode([text], specials=False)
    signs = [rust.id_to_token(int(i)) for i in encoding.ids]
    for n, end in enumerate(encoding.byte_ends.tolist(), 1):
        assert end == sum(map(len, signs[:n]))
        beginning = text.encode()[:end]
        assert rust.decode(encoding.ids[:n].tolist()) == beginning.decode(errors="replace")
    assert encoding.byte_ends[-1:].sum() == len(text.encode())


@pytest.mark.parametrize(
    ("name", "text", "ends"),
    [
        # the tokens in bytes, by hand: <0xF0> and the like are one, Ġ and ▁ a blank
        ("../models/stories260K", "a🦊b", [1, 2, 3, 4, 5, 6]),
        ("../models/stories260K", "Да", [0, 1, 2, 3, 4]),  # ▁ first, which is none of the text
        ("gpt-neox-20b-dolma", "a🦊b", [1, 3, 4, 5, 6]),  # a ðŁ ¦ Ĭ b
        ("gpt-neox-20b-dolma", "日本語 ®", [6, 8, 9, 11, 12]),  # æĹ¥æľ¬ èª ŀ ĠÂ ®
        ("gpt-neox-20b-dolma", "a\u0301 🦊", [3, 6, 7, 8]),  # NFC makes one character of two: Ã¡ ĠðŁ ¦ Ĭ
    ],
)
def test_tokens_that_are_parts_of_a_character_share_its_bytes(data, name, text, ends):
    (encoding,) = opened(data / "tokenizers" / name).encode([text], specials=False)
    assert encoding.byte_ends.tolist() == ends


def test_blanks_at_the_end_of_a_token_are_its_own_though_its_offsets_leave_them_out(tmp_path):
    signs = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    rust = tokenizers.Tokenizer(
        tokenizers.models.BPE({sign: i for i, sign in enumerate([*sorted(signs), ".Ċ"])}, [(".", "Ċ")])
    )
    rust.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    rust.post_processor = tokenizers.processors.ByteLevel(trim_offsets=True)
    rust.save(str(tmp_path / "tokenizer.json"))
    (encoding,) = FileTokenizer(tmp_path).encode(["a.\nb"], specials=False)
    assert encoding.byte_ends.tolist() == [1, 3, 4]


def test_a_process_that_encoded_may_fork_without_a_warning(tmp_path):
    script = (
        "import os, pathlib; from nonplus.models.llama.tokenizer import FileTokenizer\n"
        f"FileTokenizer(pathlib.Path({str(folder_with(tmp_path))!r})).encode(['a b'] * 1000, specials=True)\n"
        "os.waitpid(pid, 0) if (pid := os.fork()) else os._exit(0)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stderr == ""
