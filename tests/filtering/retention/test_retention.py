"""What a cut did, compared with a recount of the records that it wrote."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from nonplus.errors import BadInput
from nonplus.filtering.fields.options import ReadOptions, WriteOptions
from nonplus.filtering.retention.page import retention_page
from nonplus.filtering.retention.retention import retention
from nonplus.filtering.runs.running import filter_corpus, split_corpus
from nonplus.filtering.strata.strata import bands
from nonplus.jobs.options import WorkOptions

pytest.importorskip("pyarrow")

WORDS = ("the rain in the spring", "a letter from the old house", "zxqj vvkp wqqz", "und der Regen im Mai")
FIELDS = ReadOptions(id_field="id", language_field="lang", source_field="site", unit_size="2k")
ONE = WorkOptions(workers=1)


def record(place):
    text = f"{WORDS[place % 4]} {place} " * (1 + place % 7)
    return {"id": f"r{place}", "lang": "de" if place % 4 == 3 else "en", "site": f"site {place % 3}", "text": text}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Records of several units, some without text, some that cannot be read."""
    path = tmp_path_factory.mktemp("corpus") / "web.jsonl"
    lines = [json.dumps(record(place)) for place in range(120)]
    lines[5:5] = ['{"id": "torn', json.dumps({"id": "x", "text": ""})]
    lines.append('{"id": "none"}')
    path.write_text("\n".join(lines) + "\n")
    return path


def rows_of(folder, kind):
    return [json.loads(line) for path in sorted((folder / kind).iterdir()) for line in path.read_text().splitlines()]


def check(found, folder):
    """Compare all sums with the records in the folder."""
    kept, dropped = rows_of(folder, "kept"), rows_of(folder, "dropped")
    for kind, field in (("language", "lang"), ("source", "site"), ("length", None)):
        for name, stratum in found.strata.rows(kind):
            for sums, rows in ((stratum.after, kept), (stratum.before, kept + dropped)):
                here = [row for row in rows if value_of(row, field) == name]
                sizes = [sum(row[f"nonplus_{unit}"] for row in here) for unit in ("tokens", "bytes")]
                assert sums.tolist() == [len(here), *sizes]
    rejected = [json.loads(line) for path in (folder / "rejects").iterdir() for line in path.read_text().splitlines()]
    assert Counter(row["reason"] for row in rejected) == {each.reason: each.records for each in found.rejected}
    assert sum(each.records for each in found.dropped) == len(dropped) == found.accounts.dropped.records
    assert found.accounts.balance == (
        f"{len(kept) + len(dropped) + len(rejected)} = {len(kept)} kept + {len(dropped)} dropped + "
        f"{len(rejected)} rejected"
    )


def value_of(row, field):
    if field is None:
        return bands([row["nonplus_bytes"]])[0]
    return row.get(field, "(not stated)")


@pytest.mark.parametrize("rule", ["bits_per_byte <= 3", "bits_per_byte <= p50 by language", "sample(0.5)"])
def test_the_sums_are_those_of_the_records_that_were_written(corpus, tmp_path, rule):
    filter_corpus([str(corpus)], str(tmp_path / "out"), keep=rule, reading=FIELDS, work=ONE)
    found = retention(str(tmp_path / "out"))
    assert found.units > 2
    assert found.complete
    assert str(found.rule) == rule
    check(found, tmp_path / "out")


def test_a_reason_has_the_first_record_that_it_is_the_reason_of(corpus, tmp_path):
    filter_corpus([str(corpus)], str(tmp_path / "out"), keep="bits_per_byte <= 3", reading=FIELDS, work=ONE)
    found = retention(str(tmp_path / "out"))
    by_reason = {each.reason: each for each in found.dropped}
    assert {*by_reason} == {"no text", "bits_per_byte > 3"}
    assert (by_reason["no text"].records, by_reason["no text"].place) == (1, f"{corpus}:7")
    first = by_reason["bits_per_byte > 3"]
    dropped = [row for row in rows_of(tmp_path / "out", "dropped") if row["text"]]
    lines = corpus.read_text().splitlines()
    assert json.loads(lines[int(first.place.rpartition(":")[2]) - 1])["id"] == dropped[0]["id"]
    assert first.example == dropped[0]["nonplus_reason"]
    assert {each.place for each in found.rejected} == {f"{corpus}:6", f"{corpus}:123"}
    assert '{"id": "torn' in {each.example for each in found.rejected}


def test_a_split_is_reported_with_the_scores_that_it_cut(corpus, tmp_path):
    filter_corpus([str(corpus)], str(tmp_path / "out"), keep="bits_per_byte <= 3", reading=FIELDS, work=ONE)
    split_corpus(str(tmp_path / "out"), str(tmp_path / "other"), keep='language == "de"', work=ONE)
    with pytest.raises(BadInput, match="has no scores of its own, as a split has none"):
        retention(str(tmp_path / "other"))
    found = retention(str(tmp_path / "other"), scores=str(tmp_path / "out"))
    check(found, tmp_path / "other")
    assert [name for name, each in found.strata.rows("language") if each.after[0]] == ["de"]


def test_a_file_as_output_is_reported_by_its_name(corpus, tmp_path):
    filter_corpus([str(corpus)], str(tmp_path / "clean.jsonl"), keep="tokens > 9", reading=FIELDS, work=ONE)
    by_file, by_folder = (retention(str(tmp_path / name)) for name in ("clean.jsonl", "clean.jsonl.parts"))
    assert by_file.as_dict() == by_folder.as_dict()


def test_without_a_field_for_the_source_it_is_the_file(corpus, tmp_path):
    reading = replace(FIELDS, source_field="", language_field="")
    filter_corpus([str(corpus)], str(tmp_path / "out"), keep="tokens > 9", reading=reading, work=ONE)
    found = retention(str(tmp_path / "out"))
    assert [*found.strata.kinds] == ["source", "length"]
    assert [name for name, _ in found.strata.rows("source")] == [str(corpus)]


def test_columns_of_records_do_not_matter(corpus, tmp_path):
    filter_corpus(
        [str(corpus)], str(tmp_path / "out"), keep="tokens > 9", reading=FIELDS, work=ONE,
        writing=WriteOptions(columns="none"),
    )  # fmt: skip
    found = retention(str(tmp_path / "out"))
    kept = {row["id"] for row in rows_of(tmp_path / "out", "kept")}
    assert len(kept) == found.strata.whole.after[0]


def test_an_unfinished_run_is_reported_as_far_as_it_is(corpus, tmp_path):
    out = tmp_path / "out"
    filter_corpus([str(corpus)], str(out), keep="bits_per_byte <= 3", reading=FIELDS, work=ONE)
    whole = retention(str(out))
    (out / "units/000000/000001.json").unlink()
    part = retention(str(out))
    assert (whole.complete, part.complete) == (True, False)
    assert part.units == whole.units - 1
    assert part.accounts.records < whole.accounts.records
    assert "The run is not finished" in retention_page(part)
    assert "The run is not finished" not in retention_page(whole)


def test_a_run_that_has_only_scored_says_that_nothing_is_cut(corpus, tmp_path):
    out = tmp_path / "out"
    filter_corpus([str(corpus)], str(out), keep="bits_per_byte <= p50", reading=FIELDS, work=ONE)
    (out / "plan.json").unlink()
    with pytest.raises(BadInput, match="units of records are scored, and nothing is cut yet"):
        retention(str(out))


@pytest.mark.parametrize("name", ["", "nowhere", "kept"])
def test_a_folder_without_a_run_is_refused(corpus, tmp_path, name):
    filter_corpus([str(corpus)], str(tmp_path / "out"), keep="tokens > 9", reading=FIELDS, work=ONE)
    place = str(tmp_path / "out" / name) if name else str(tmp_path)
    with pytest.raises(BadInput, match="no run of nonplus filter was begun"):
        retention(place)


def test_scores_of_another_run_are_refused(corpus, tmp_path):
    filter_corpus([str(corpus)], str(tmp_path / "out"), keep="bits_per_byte <= 3", reading=FIELDS, work=ONE)
    split_corpus(str(tmp_path / "out"), str(tmp_path / "other"), keep="bits_per_byte <= 3", work=ONE)
    filter_corpus(
        [str(corpus)], str(tmp_path / "bytes"), keep="tokens > 0", reading=FIELDS, work=ONE, model="uniform:256"
    )
    with pytest.raises(BadInput, match="the scores are of another run"):
        retention(str(tmp_path / "other"), scores=str(tmp_path / "bytes"))
    split_corpus(str(tmp_path / "out"), str(tmp_path / "english"), keep="language == en", work=ONE)
    filter_corpus([str(corpus)], str(tmp_path / "unread"), keep="bits_per_byte <= 3", work=ONE)
    with pytest.raises(BadInput, match="asks for language, and the scores have none: they are of another run"):
        retention(str(tmp_path / "english"), scores=str(tmp_path / "unread"))
    with pytest.raises(BadInput, match="has no scores; name"):
        retention(str(tmp_path / "other"), scores=str(tmp_path / "other"))


def test_a_damaged_part_is_named(corpus, tmp_path):
    out = tmp_path / "out"
    filter_corpus([str(corpus)], str(out), keep="tokens > 9", reading=FIELDS, work=ONE)
    path: Path = sorted((out / "scores").iterdir())[0]
    path.write_bytes(path.read_bytes()[:-8] + b"damaged!")
    with pytest.raises(BadInput, match=rf"scores/{path.name} has changed"):
        retention(str(out))


def test_the_page_has_the_sums_and_shows_a_record_as_it_is(corpus, tmp_path):
    filter_corpus([str(corpus)], str(tmp_path / "out"), keep="bits_per_byte <= p50", reading=FIELDS, work=ONE)
    found = retention(str(tmp_path / "out"))
    html = retention_page(found)
    for said in (found.accounts.balance, "p50 of bits_per_byte", "{&quot;id&quot;: &quot;torn", "no text"):
        assert said in html
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False)) == found.as_dict()
