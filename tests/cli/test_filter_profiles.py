"""``nonplus filter profiles``: what other tools' ways to read a text do."""

import json
from pathlib import Path

import pytest
from command_lines import Run

WEATHER = Path(__file__).parents[1] / "models" / "ngram" / "fixtures" / "weather.arpa"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "weather.jsonl"
    path.write_text("".join(f"{json.dumps({'body': text})}\n" for text in ("rain falls\nin may", "Rain FALLS", "")))
    return path


def test_the_table_has_a_row_for_each_way_and_compares_it_with_the_models_own(run: Run, corpus: Path) -> None:
    ran = run("filter", "profiles", corpus, "--field", "body", "-m", f"ngram:{WEATHER}", "--threshold", "1e3")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[2] == "kept             documents with a perplexity below 1,000"
    names = [line.split("  ")[0] for line in lines[4:]]
    assert names[:3] == ["read as by", "its own", "cc_net"]
    assert "cc_net, line by line" in names
    assert "2 documents" in lines[0]


def test_how_a_file_was_trained_is_said_by_options(run: Run, corpus: Path) -> None:
    options = ("--normalizer", "ccnet", "--unit", "line", "--json")
    ran = run("filter", "profiles", corpus, "--field", "body", "-m", f"ngram:{WEATHER}", *options)
    own, *others = ran.object["ways"]
    assert (own["normalizer"], own["unit"], own["differ"]) == ("ccnet-1", "line", 0)
    assert "cc_net, line by line" not in [each["name"] for each in others]
    assert (ran.object["documents"], ran.object["skipped"]) == (2, 1)


def test_a_neural_model_has_no_other_ways_to_read(run: Run, corpus: Path) -> None:
    ran = run("filter", "profiles", corpus, "-m", "bundled:tiny")
    assert ran.code == 2
    assert "--model bundled:tiny is no n-gram model" in ran.err
    assert "use e.g. --model bundled:ngram" in ran.err


def test_a_threshold_that_is_none_is_named_as_it_is_typed(run: Run, corpus: Path) -> None:
    ran = run("filter", "profiles", corpus, "--field", "body", "--threshold", "0")
    assert "--threshold 0.0 is no perplexity" in ran.err


def test_a_bundle_says_itself_how_it_reads(run: Run, corpus: Path) -> None:
    ran = run("filter", "profiles", corpus, "-m", "bundled:ngram", "--normalizer", "ccnet")
    assert ran.code == 2
    assert "says how text is read" in ran.err
