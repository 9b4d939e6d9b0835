"""``nonplus score -m scores:FILE``: the texts of the file, unless others are named."""

import json

import pytest


@pytest.fixture
def tokens(run, tmp_path):
    (tmp_path / "two.txt").write_text("Rain falls in May.\nSnow “fell” — once.\n")
    path = tmp_path / "tokens.jsonl"
    run("score", f"lines:{tmp_path / 'two.txt'}", "-m", "bundled:tiny", "--per-token", path)
    return path


def figures(out):
    lines = dict(line.split("  ", 1) for line in out.splitlines())
    return {name: lines[name] for name in ("perplexity", "bits per byte", "word perplexity", "scored", "fingerprint")}


def test_a_table_of_tokens_gives_the_report_of_its_run(run, tokens):
    named = f"lines:{tokens.parent / 'two.txt'}"
    first = figures(run("score", named, "-m", "bundled:tiny").out)
    assert figures(run("score", "-m", f"scores:{tokens}").out) == first
    assert figures(run("score", named, "-m", f"scores:{tokens}").out) == first


def test_its_own_tables_and_pages_can_be_written_again(run, tokens):
    again, page = tokens.parent / "again.jsonl", tokens.parent / "page.html"
    told = run("score", "-m", f"scores:{tokens}", "--per-token", again, "--html", page, "--alternatives", 0).err
    assert again.read_text().splitlines()[1:] == tokens.read_text().splitlines()[1:]
    assert f"wrote {page} ({len(tokens.read_text().splitlines())} tokens)" in told
    first = run("score", "-m", f"scores:{tokens}", "--limit", 1).out
    assert "1 document" in figures(first)["scored"]


def test_without_texts_only_a_model_that_brings_some_is_measured(run, tokens):
    assert "there are no sources to read" in run("score", "-m", "uniform:256").err
    told = run("score", "-m", f"scores:{tokens}", "--workers", 2, "--resume", tokens.parent / "kept").err
    assert "share the texts that are named, and none is" in told


@pytest.mark.parametrize(
    "option", [("--context-field", "before"), ("--domain-field", "kind"), ("--messages", "turns"), ("--max-bytes", 9)]
)
def test_options_of_reading_are_refused_where_the_file_brings_the_texts(run, tokens, option):
    told = run("score", "-m", f"scores:{tokens}", *option).err
    assert f"{option[0]} {option[1]} says how texts are read" in told
    assert f"omit {option[0]} {option[1]}, or name texts" in " ".join(told.split())


def test_the_doctor_says_which_checks_a_file_has_no_use_for(run, tokens):
    told = json.loads(run("doctor", "-m", f"scores:{tokens}", "--json").out)
    assert told["passed"]
    assert [check["name"] for check in told["checks"]] == ["opens", "numbers", "repeatable", "order", "batch"]
    assert "causality" in told["inapplicable"]
    assert told["head_path"] is None
    assert "causality: it has scores of its own texts only" in " ".join(
        run("doctor", "-m", f"scores:{tokens}").out.split()
    )
