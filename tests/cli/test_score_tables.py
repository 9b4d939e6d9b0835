"""Tables have every token once, are the same in both formats, and are never partial."""

import json
import math
from pathlib import Path

import pytest

from nonplus.views.tables import ABOUT, DOCUMENTS, OF_READINGS, TOKENS, table


def rows_of(path: Path) -> list[dict]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()


@pytest.fixture(params=[".jsonl", ".parquet"])
def rows(request, tmp_path: Path) -> Path:
    if request.param == ".parquet":
        pytest.importorskip("pyarrow")
    return tmp_path / f"rows{request.param}"


def test_the_tokens_of_a_text_add_up_to_its_report(run, verses, rows):
    printed = run("score", f"lines:{verses}", "--model", f"unigram:{verses}", "--per-token", rows, "--json").object
    tokens = rows_of(rows)
    assert [*tokens[0]] == [*TOKENS, *ABOUT]
    assert math.fsum(token["nats"] for token in tokens if token["nats"] is not None) == pytest.approx(printed["nats"])
    assert sum(token["nats"] is None for token in tokens) == printed["unscored_tokens"]
    assert (
        "".join(token["text"] for token in tokens if token["document"].endswith(":1"))
        == "verse 0 is 0 words from the end"
    )


def test_alternatives_bring_entropy_rank_and_the_most_probable_tokens(run, fox, rows):
    run("score", fox, "--model", f"unigram:{fox}", "--per-token", rows, "--alternatives", 2)
    token = rows_of(rows)[1]
    assert [name for name in token if name not in ABOUT] == [*TOKENS, *OF_READINGS]
    assert token["rank"] > 0
    assert token["entropy"] > 0
    assert len(token["top"]) == 2


def test_a_row_for_each_document_has_its_own_figures(run, verses, rows):
    printed = run("score", f"lines:{verses}", "--model", f"unigram:{verses}", "--per-document", rows, "--json").object
    documents = rows_of(rows)
    assert [*documents[0]] == [*DOCUMENTS]
    assert len(documents) == printed["documents"] == 38
    assert sum(document["tokens"] for document in documents) == printed["tokens"]
    assert math.fsum(document["nats"] for document in documents) == pytest.approx(printed["nats"])


def test_a_token_of_probability_0_is_infinite_in_both_formats(rows):
    with table(rows, {"nats": float, "id": str}) as opened:
        opened.write([{"nats": math.inf, "id": "a"}, {"nats": None, "id": "b"}])
    nats = [row["nats"] for row in rows_of(rows)]
    assert nats in ([math.inf, None], ["Infinity", None])


def test_all_rows_are_written_when_they_exceed_one_group(rows):
    with table(rows, {"n": int}) as opened:
        for start in range(0, 70_000, 7_000):
            opened.write({"n": n} for n in range(start, start + 7_000))
    assert [row["n"] for row in rows_of(rows)] == list(range(70_000))


def test_an_error_before_anything_is_finished_leaves_the_old_table_and_nothing_else(run, tmp_path: Path, rows):
    rows.write_text("old")
    source = tmp_path / "in" / "rows.jsonl"
    source.parent.mkdir()
    source.write_text('{"text": 5}\n{"text": "good"}\n')
    assert run("score", source, "--model", "uniform:256", "--per-token", rows).code == 2
    assert rows.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == sorted([source.parent, rows])


def test_a_table_does_not_exist_before_it_is_complete(rows):
    with table(rows, {"n": int}) as opened:
        opened.write([{"n": 1}])
        assert not rows.exists()
    assert rows.exists()


def test_a_link_stays_a_link(tmp_path: Path):
    target, link = tmp_path / "target.jsonl", tmp_path / "link.jsonl"
    target.write_text("old")
    link.symlink_to(target)
    with table(link, {"n": int}) as opened:
        opened.write([{"n": 1}])
    assert link.is_symlink()
    assert rows_of(target) == [{"n": 1}]


def test_text_is_written_as_it_is(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    with table(path, {"text": str}) as opened:
        opened.write([{"text": "naïve 東京\u2028\n"}])
    assert "東京" in path.read_text(encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == {"text": "naïve 東京\u2028\n"}
