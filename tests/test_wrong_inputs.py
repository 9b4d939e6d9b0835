"""Wrong inputs in their kinds: each ends in one sentence that says what came, what the
rule is and what to do. Those of the system are in tests/cli/test_disks_pipes_signals.
"""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import nonplus
from nonplus.cli import main
from nonplus.corpora import CorpusOptions, open_corpus
from nonplus.errors import NonplusError
from nonplus.models.loading import Loading

TINY = Path(nonplus.__file__).parent / "models" / "bundled" / "tiny"
UNIFORM = ("--model", "uniform:256")
# Text of Python or of a library, and an option as Python spells it.
RAW = re.compile(r"Traceback|Errno|Error\(|<class|site-packages|\.py\b|(?<![\w-])[a-z_]{3,}=\S")


def refused(capsys, *arguments):
    """The sentence that a command line ends in."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    sentence = re.fullmatch(r"error: (.+)\n", err)
    assert sentence, err
    assert not RAW.search(sentence[1])
    assert ";" in sentence[1]
    return sentence[1]


FILES = {
    "an archive of nothing": ("a.tar", b"\0" * 10240, (), "run of NUL bytes"),
    "a file lost in a crash": ("a.txt", b"\0" * 50, (), "run of NUL bytes"),
    "old newlines in a table": ("a.csv", b"text\ra\rb\r", (), "write its newlines as LF"),
    "brackets too deep": ("a.jsonl", b'{"text": ' + b"[" * 100_000, (), "brackets nested too deep"),
    "a number too long": ("a.jsonl", b'{"text": ' + b"9" * 5_000 + b"}", (), "over 4,300 digits"),
    "a text that is cut": ("a.jsonl", b'{"text": "a', (), "Unterminated string starting at character 9; "),
    "rows in a list": ("a.jsonl", b'[{"text": "a"}]', (), "of type list, where an object .*; fix the data"),
    "no conversation": ("a.jsonl", b'{"m": 5}', ("--messages", "m"), "; name the field that holds it"),
    "a message of text": ("a.jsonl", b'{"m": ["a"]}', ("--messages", "m"), "of type str, .*; fix the data"),
    "a broken table": ("a.parquet", b"PAR1abcdPAR1", (), r"not a Parquet file: [^.]*; make"),
}


@pytest.mark.parametrize(("name", "content", "options", "message"), FILES.values(), ids=FILES)
def test_wrong_files(capsys, tmp_path, name, content, options, message):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content)
    model = ("--model", "tiny") if options else UNIFORM
    assert re.search(message, refused(capsys, "score", tmp_path / name, *model, *options))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps the current folder")
def test_a_current_folder_that_is_gone(capsys, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert "no such file: .; check the path" in refused(capsys, "score", ".", *UNIFORM)


@pytest.mark.parametrize("scheme", ["file", "lines", "jsonl", "csv", "wikitext", "archive"])
def test_a_scheme_without_a_path(capsys, scheme):
    assert "the path is empty; name a file after the colon" in refused(capsys, "score", f"{scheme}:", *UNIFORM)


@pytest.mark.parametrize("option", ["--limit", "--max-bytes", "--window", "--stride", "--budget", "--bootstrap"])
@pytest.mark.parametrize("value", ["-1", "nan", "inf", "1e999", "many", "", "1.5", "½"])
def test_wrong_whole_numbers(capsys, option, value):
    sentence = refused(capsys, "score", "text:some text", *UNIFORM, f"{option}={value}")
    assert option in sentence
    assert value in sentence


@pytest.mark.parametrize("option", ["--level", "--until"])
@pytest.mark.parametrize("value", ["0", "-0", "-1", "nan", "inf", "1e999", "part", "", "1", "100%", "%", "5%%", "0,95"])
def test_wrong_parts(capsys, option, value):
    sentence = refused(capsys, "score", "text:some text", *UNIFORM, f"{option}={value}")
    assert option in sentence
    assert value in sentence


@pytest.mark.parametrize("name", ["", " ", "FULL", ":512", "stride:", "stride:0", "stride:-1", "full:3", "gptq:1.5"])
def test_wrong_names_of_protocols(capsys, name):
    with pytest.raises(SystemExit) as ended:
        main(["score", "text:some text", *UNIFORM, "--protocol", name])
    assert ended.value.code == 2
    assert re.match(r"error: .*(the names are full, stride|may follow stride)", capsys.readouterr().err)


CONFIGS = {
    "a size in words": {"max_position_embeddings": "many"},
    "no room": {"max_position_embeddings": 0},
    "less than no room": {"max_position_embeddings": -5},
    "half a head": {"num_attention_heads": 2.5},
    "an odd number of heads": {"num_attention_heads": 7},
    "no number": {"rms_norm_eps": float("nan")},
    "a truth": {"vocab_size": True},
    "another vocabulary": {"vocab_size": 10},
    "a rotation that nobody knows": {"rope_scaling": {"type": "magic"}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the smallest bundled model."""
    copy = tmp_path_factory.mktemp("model") / "tiny"
    shutil.copytree(TINY, copy)
    return copy


@pytest.mark.parametrize("change", CONFIGS.values(), ids=CONFIGS)
def test_wrong_configurations_of_a_model(capsys, folder, change):
    config = json.loads((TINY / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    assert str(folder) in refused(capsys, "score", "text:some text", "--model", f"llama:{folder}")


@pytest.mark.parametrize("change", [CONFIGS["a size in words"], CONFIGS["an odd number of heads"]])
def test_wrong_configurations_for_transformers(capsys, folder, change):
    pytest.importorskip("torch")
    config = json.loads((TINY / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    sentence = refused(capsys, "score", "text:some text", "--model", f"hf:{folder}")
    assert "its config.json does not fit itself" in sentence


@pytest.mark.parametrize("name", ["x" * 5_000, "config.json/below"])
def test_names_that_no_folder_can_have(capsys, folder, name):
    refused(capsys, "score", "text:some text", "--model", f"llama:{folder / name}")


def test_the_body_of_a_model_without_its_head():
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")
    body = transformers.GPT2Model(transformers.GPT2Config(vocab_size=8, n_embd=4, n_layer=1, n_head=1))
    with pytest.raises(nonplus.BadModel, match=r"GPT2Model gives no logits.*; open it as a causal model"):
        nonplus.open_model((body, transformers.PreTrainedTokenizerFast(tokenizer_file=str(TINY / "tokenizer.json"))))


WRONG = {
    "nothing": None,
    "a number": 5.5,
    "a set": {"a"},
    "a mapping": {"a": 1},
    "bytes": b"a",
    "an object": object(),
    "a function": len,
    "a class": int,
    "an array": np.ones(3),
    "an array of nothing": np.ones(0),
}
OPTIONS = {
    "bos": lambda wrong: nonplus.Protocol(bos=wrong),
    "window": lambda wrong: nonplus.Protocol().but(window=wrong),
    "on_bad_row": lambda wrong: CorpusOptions(on_bad_row=wrong),
    "options": lambda wrong: open_corpus("text:a", options=[] if wrong is None else wrong),
    "dtype": lambda wrong: Loading(dtype=wrong),
    "device_map": lambda wrong: Loading(device_map=wrong),
    "packing": lambda wrong: Loading(packing=wrong),
    "kind": lambda wrong: nonplus.metrics.Perplexity(kind=wrong),
    "empty": lambda wrong: nonplus.metrics.Perplexity(empty=wrong),
    "merge": lambda wrong: nonplus.metrics.Perplexity().merge(wrong),
    "from_json": lambda wrong: nonplus.metrics.Perplexity.from_json(wrong),
    "logits": lambda wrong: nonplus.perplexity(logits=wrong, targets=[0, 1]),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("call", OPTIONS.values(), ids=OPTIONS)
def test_wrong_arguments_in_python(call, wrong):
    with pytest.raises(NonplusError) as refusal:
        call(wrong)
    assert not re.search(r"(?<!-)--[a-z]|Error\(|\n", str(refusal.value))


def test_torch_objects_that_are_no_dense_tensors():
    torch = pytest.importorskip("torch")
    for wrong, name in [
        (torch.nn.Linear(1, 1), "a Linear of torch"),
        (torch.empty(2, 3, device="meta"), "device meta"),
    ]:
        with pytest.raises(nonplus.BadInput, match=name):
            nonplus.perplexity(logits=wrong, targets=[0, 0])
    assert nonplus.perplexity(logits=torch.zeros(2, 4).to(torch.float8_e4m3fn), targets=[0, 0]) == 4
