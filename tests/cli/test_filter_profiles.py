"""``nonplus filter profiles``: what other tools' ways to read a text do."""

import gzip
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
    assert lines[3] == "kept             documents with a perplexity below 1,000"
    names = [line.split("  ")[0] for line in lines[5:]]
    assert names[:3] == ["read as by", "its own", "cc_net"]
    assert "cc_net, line by line" in names
    assert lines[0] == f"read             {corpus}, 2 documents"
    assert lines[1] == "without text     1 document, left out"


def test_how_a_file_was_trained_is_said_by_options(run: Run, corpus: Path) -> None:
    options = ("--normalizer", "ccnet", "--unit", "line", "--json")
    ran = run("filter", "profiles", corpus, "--field", "body", "-m", f"ngram:{WEATHER}", *options)
    own, *others = ran.object["ways"]
    assert (own["normalizer"], own["unit"], own["differ"]) == ("ccnet-1", "line", 0)
    assert "cc_net, line by line" not in [each["name"] for each in others]
    assert (ran.object["documents"], ran.object["without_text"]) == (2, 1)


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


def test_files_are_read_as_by_a_run_with_what_cannot_be_read_counted(run: Run, tmp_path: Path) -> None:
    texts = ("rain falls\nin may", "it falls", "may may")
    records = [
        b"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length: %d\r\n\r\n%b\r\n\r\n" % (len(text), text.encode())
        for text in texts
    ]
    (tmp_path / "page.warc.wet.gz").write_bytes(b"".join(map(gzip.compress, records)))
    rows = "".join(f"{json.dumps({'text': text})}\n" for text in texts)
    (tmp_path / "rows.jsonl").write_text(f'{rows}{{"text": null}}\n')
    crawl, lines = (
        run("filter", "profiles", tmp_path / name, "-m", f"ngram:{WEATHER}", "--threshold", "1e3", "--json").object
        for name in ("page.warc.wet.gz", "rows.jsonl")
    )
    assert (crawl["documents"], crawl["rejected"], lines["rejected"]) == (3, 0, 1)
    assert crawl["ways"] == lines["ways"]


def test_a_limit_is_that_of_the_documents(run: Run, corpus: Path) -> None:
    arguments = ("filter", "profiles", corpus, "--field", "body", "-m", f"ngram:{WEATHER}")
    assert run(*arguments, "--limit", "1", "--json").object["documents"] == 1
    assert "--limit 0 is no number of documents" in run(*arguments, "--limit", "0").err


def test_without_a_record_that_can_be_read_the_first_reason_is_said(run: Run, corpus: Path) -> None:
    ran = run("filter", "profiles", corpus)
    assert ran.code == 2
    assert f"none of 3 records can be read: {corpus}:1: no field 'text'" in ran.err
