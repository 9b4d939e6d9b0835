"""A row that cannot be read: what is finished is kept, or the row is skipped."""

import gzip
import json
from pathlib import Path

import pytest

UNIFORM = ("--model", "uniform:256")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a text"}\n{"text": null}\n{"text": "c text"}\n')
    return path


def test_a_bad_row_ends_the_run_with_a_report_of_what_is_before_it(run, rows, tmp_path):
    ran = run("score", rows, *UNIFORM, "--per-document", tmp_path / "each.jsonl")
    assert ran.code == 2
    assert "5 bytes of 1 document" in ran.out
    assert "interrupted      by an error" in ran.out
    assert f"error: {rows}, at line 2: the field 'text' is null, where text is needed" in ran.err
    assert [json.loads(line)["id"] for line in (tmp_path / "each.jsonl").read_text().splitlines()] == [f"{rows}:1"]
    assert run("score", rows, *UNIFORM, "--json").object["interrupted"]


def test_a_damaged_end_of_a_file_leaves_a_report_of_what_is_before_it(run, rows):
    packed = rows.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(100 * b'{"text": "a text"}\n') + b"rubbish")
    ran = run("score", packed, *UNIFORM)
    assert ran.code == 2
    assert "of 100 documents" in ran.out
    assert "is damaged" in ran.err


def test_bad_rows_are_skipped_counted_and_written_where_asked(run, rows, tmp_path):
    rejects = tmp_path / "rejects.jsonl"
    ran = run("score", rows, *UNIFORM, "--on-bad-row", "skip", "--rejects", rejects)
    assert ran.code == 0
    assert "of 2 documents" in ran.out
    assert "rejected         1 row that could not be read" in ran.out
    (rejected,) = map(json.loads, rejects.read_text().splitlines())
    assert rejected["place"] == f"{rows}, at line 2"
    assert rejected["row"] == '{"text": null}'
    assert "is null" in rejected["reason"]
    assert run("score", rows, *UNIFORM, "--on-bad-row", "skip", "--json").object["rejected_rows"] == 1


def test_a_file_for_rejects_is_refused_where_none_are_skipped(run, rows, tmp_path):
    ran = run("score", rows, *UNIFORM, "--rejects", tmp_path / "rejects.jsonl")
    assert (ran.code, ran.out) == (2, "")
    assert "add --on-bad-row skip" in ran.err


def test_a_bad_row_after_the_interval_is_narrow_enough_does_not_matter(run, tmp_path):
    path = tmp_path / "many.jsonl"
    good = '{"text": "some words of a text"}\n'
    path.write_text(200 * good + "broken\n")
    ran = run("score", path, *UNIFORM, "--until", "5%")
    assert ran.code == 0
    assert "stopped" in ran.out
