"""A stream that comes in parts is one document to whoever reads the outputs."""

import json
import re
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from nonplus.measure import stream


@pytest.fixture
def verses(tmp_path: Path) -> Path:
    file = tmp_path / "verses.txt"
    file.write_text("".join(f"verse {n} of the psalm\n" for n in range(40)), encoding="utf-8")
    return file


def test_the_tables_of_a_stream_are_the_same_in_parts_of_any_size(
    run: Run, verses: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = []
    for size in (1 << 17, 100):
        monkeypatch.setattr(stream, "_PART", size)
        tokens, each = tmp_path / f"tokens-{size}.jsonl", tmp_path / f"each-{size}.jsonl"
        ran = run("score", f"lines:{verses}", "-m", f"unigram:{verses}", "--protocol", "gptq:32",
                  "--per-token", tokens, "--per-document", each)  # fmt: skip
        assert ran.code == 0
        tables.append((tokens.read_text(encoding="utf-8"), each.read_text(encoding="utf-8")))
    assert tables[0] == tables[1]
    rows = [json.loads(line) for line in tables[1][0].splitlines()]
    assert "".join(row["text"] for row in rows) == "\n\n".join(verses.read_text(encoding="utf-8").splitlines())
    assert [row["index"] for row in rows] == list(range(len(rows)))
    assert len(tables[1][1].splitlines()) == 1


def test_each_part_is_shown_with_its_place_and_the_perplexity_up_to_its_end(
    run: Run, verses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_PART", 500)
    shown = run("score", f"lines:{verses}", "-m", "uniform:256", "--protocol", "gptq:50", "--show").out.splitlines()
    headings = [line for line in shown if line.startswith("stream")]
    assert headings == ["stream  perplexity 256.0", "stream, from token 500 on  perplexity 256.0"]


def test_a_stream_in_parts_has_no_bootstrap_interval(run: Run, verses: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_PART", 100)
    ran = run("score", f"lines:{verses}", "-m", "uniform:256", "--protocol", "gptq:50", "--bootstrap", 100)
    assert "no bootstrap interval" in ran.err


def test_the_page_says_of_each_part_where_it_begins(
    run: Run, verses: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    for size, headings in {
        1 << 17: ["perplexity 256.0, 882 tokens"],
        500: [
            "perplexity 256.0, 490 tokens of it, from token 0 on",
            "perplexity 256.0, 392 tokens of it, from token 500 on",
        ],
    }.items():
        monkeypatch.setattr(stream, "_PART", size)
        run("score", f"lines:{verses}", "-m", "uniform:256", "--protocol", "gptq:50", "--html", page)
        assert re.findall("<small>(.*?)</small></h2>", page.read_text(encoding="utf-8")) == headings
