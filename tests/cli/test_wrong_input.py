"""Wrong input: one sentence on stderr, exit code 2, and no figure.

The sentence states the input, the rule, and what to do.
"""

import os
import re
import sys
from pathlib import Path

import pytest

from nonplus.cli import main

UNIFORM = ("--model", "uniform:256")


def refused(ran, *words):
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err


def test_a_missing_file(run):
    refused(run("score", "missing.txt", *UNIFORM), "missing.txt", "no such file", "check the path")


def test_an_empty_text(run):
    refused(run("score", "", *UNIFORM), "text is empty", "give a text")


def test_no_text_at_all(run):
    refused(run("score", *UNIFORM), "no sources to read", "name a file")


def test_a_broken_line_of_json_is_named_by_number(run, tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "one"}\n{"text": "two"\n')
    ran = run("score", path, *UNIFORM)
    assert ran.code == 2
    assert "line 2: not JSON" in ran.err
    assert "each line must hold one whole object" in ran.err
    assert "of 1 document" in ran.out  # what is before it is measured


def test_a_text_too_short_for_a_preset(run, fox):
    refused(
        run("score", fox, *UNIFORM, "-p", "llama.cpp"), "llama.cpp", "1024 tokens", "44", "use a smaller --window …"
    )


def test_an_unknown_preset(run, fox):
    refused(run("score", fox, *UNIFORM, "-p", "wiki"), "'wiki'", "the names are full, stride")


def test_a_model_without_a_tokenizer(run, fox, tmp_path: Path):
    import nonplus

    bundled = Path(nonplus.__file__).parent / "models" / "bundled" / "tiny"
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).symlink_to(bundled / name)
    refused(run("score", fox, "--model", f"llama:{tmp_path}"), "tokenizer.json", "save_pretrained")


def test_a_missing_field(run, tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"body": "one"}\n')
    refused(run("score", path, *UNIFORM), "no field 'text'", "'body'", "name the right one with --field …")


def test_a_byte_that_is_not_text(run, tmp_path: Path):
    path = tmp_path / "latin.txt"
    path.write_bytes("naïve".encode("latin-1"))
    refused(run("score", path, *UNIFORM), "byte 0xef at offset 2", "UTF-8", "iconv")


def test_an_unknown_scheme_of_a_corpus(run):
    refused(run("score", "csvv:rows.csv", *UNIFORM), "'csvv'", "jsonl", "text: before it")


def test_an_unknown_scheme_of_a_model(run, fox):
    refused(run("score", fox, "--model", "onnx:x"), "'onnx'", "hf:")


def test_a_missing_extra_ends_with_the_line_that_installs_it(run, fox, monkeypatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    ran = run("score", fox, *UNIFORM, "--per-token", tmp_path / "rows.parquet")
    refused(ran, "pyarrow", "not installed")
    assert ran.err.strip().endswith("pip install 'nonplus[parquet]'")
    assert list(tmp_path.iterdir()) == [fox]


def test_a_stride_larger_than_the_window(run, fox):
    ran = run("score", fox, *UNIFORM, "--window", 16, "--stride", 32)
    refused(ran, "32", "--stride 32 is more than the 16 tokens", "use --stride 16")


def test_a_window_larger_than_the_model_takes(run, fox):
    refused(run("score", fox, "--model", "tiny", "--window", 100_000), "100000", "512", "use --window 512 or less")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--json", "--show"), ("--json", "--show", "omit one of them")),
        (("--messages", "m", "--special-text", "plain"), ("with those of the chat template", "or omit --messages m")),
        (("--messages", "m", "-p", "llama.cpp"), ("llama.cpp reads text", "as --protocol full does")),
        (("-p", "evaluate", "--bootstrap", 1000), ("--bootstrap", "evaluate", "omit --bootstrap")),
        (("--bootstrap", 3), ("at least 100", "got 3", "try 1000")),
        (("--messages", "turns", "--context-field", "before"), ("--messages turns", "omit --context-field before")),
        (("--dtype", "float16"), ("--dtype float16", "open a model with hf:")),
        (("--level", "95"), ("95", "between 0% and 100%", "did you mean 95%?")),
        (("--level", "0"), ("0 is not", "between 0% and 100%", "write e.g. 5%")),
        (("--until", "soon"), ("'soon'", "not a number", "write e.g. 5%")),
        (("--limit", -1), ("-1", "limit")),
        (("--window", "wide"), ("'wide'", "--window", "nonplus help score")),
        (("--bos", "maybe"), ("'maybe'", "every, first", "nonplus help score")),
        (("--strides", 3), ("--strides", "--stride", "nonplus help score")),
    ],
)  # fmt: skip
def test_invalid_options(run, fox, options, words):
    refused(run("score", fox, *UNIFORM, *options), *words)


@pytest.mark.parametrize("flag", ["--per-token", "--per-document"])
def test_a_table_in_an_unknown_format(run, fox, tmp_path: Path, flag):
    refused(run("score", fox, *UNIFORM, flag, tmp_path / "rows.csv"), flag, "rows.csv", ".jsonl or .parquet")


def test_two_outputs_of_one_name(run, fox, tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    ran = run("score", fox, *UNIFORM, "--per-token", path, "--per-document", path)
    refused(ran, "--per-token would overwrite what --per-document writes", "another name")


def test_an_output_of_the_name_of_a_source(run, tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "keep me"}\n')
    refused(run("score", path, *UNIFORM, "--per-token", path), "would overwrite the source", "another name")
    refused(run("score", f"jsonl:{path}", *UNIFORM, "--per-token", path), "would overwrite the source", "another name")
    assert "keep me" in path.read_text()


@pytest.mark.parametrize("name", ["absent/page.html", ""])
def test_a_file_that_cannot_be_written(run, fox, tmp_path: Path, name):
    refused(run("score", fox, *UNIFORM, "--html", tmp_path / name), str(tmp_path), "give")


def test_a_file_where_finished_batches_should_be_kept(run, fox):
    refused(run("score", fox, *UNIFORM, "--resume", fox), "fox.txt cannot be written", "File exists", "another place")


def test_an_unknown_verb(run):
    refused(run("scores"), "'scores'", "nonplus help")


def test_an_unknown_protocol_to_explain(run):
    refused(run("protocols", "nope"), "'nope'", "the names are")


def test_a_bug_is_not_hidden(run, fox, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("nonplus.cli.score_run.open_model", broken)
    with pytest.raises(ZeroDivisionError):
        main(["score", str(fox)])


@pytest.mark.skipif(sys.platform == "win32", reason="/dev/stdout is of Unix")
@pytest.mark.parametrize("name", ["page.html", "/dev/stdout"])
def test_an_output_that_is_the_file_stdout_goes_to(start, tmp_path: Path, name):
    page = tmp_path / "page.html"
    with page.open("w") as stdout:
        process = start("score", "a text", *UNIFORM, "--html", tmp_path / name, stdout=stdout)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, page.read_text()) == (2, "")
    assert err == "error: --html would overwrite what is printed; give it the name of another file\n"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("scor", "text"), "score"),
        (("score", "text", "--strid", 3), "--stride"),
        (("score", "text", "--josn"), "--json"),
        (("score", "text", "--bos", "evry"), "every"),
        (("score", "text", "-p", "gtpq:512"), "gptq"),
        (("score", "text", "-m", "bundled:tny"), "bundled:tiny"),
        (("score", "text", "-m", "unifrm:256"), "uniform:256"),
        (("protocols", "ful"), "full"),
    ],
)
def test_a_mistyped_name_is_met_with_the_one_that_was_meant(run, typed, meant):
    refused(run(*typed), f"did you mean {meant}?")


def test_a_mistyped_field_is_met_with_the_flag_and_the_field(run, tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"my text": "one"}\n')
    refused(run("score", path, "--field", "my_text", *UNIFORM), "did you mean --field 'my text'?")


@pytest.mark.parametrize("typed", [("--window",), ("--window", "wide"), ("--json=3",), ("-z",), ("--bos", "x")])
def test_a_wrong_use_of_an_option_says_where_it_is_explained(run, typed):
    refused(run("score", "text", *typed), "see nonplus help score")


def test_a_mistyped_model_is_one_line_at_once_without_a_network(start, tmp_path):
    pytest.importorskip("torch")
    environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_CACHE": str(tmp_path)}
    environment.pop("HF_HUB_OFFLINE", None)
    out, err = start("score", "text:some text", "--model", "typo-name", env=environment).communicate(timeout=60)
    assert out == ""
    assert re.fullmatch(r"error: there is no folder 'typo-name', and names on the hub need the network: .*\n", err)
