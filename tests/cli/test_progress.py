"""Progress is shown on stderr: in a terminal a line that is removed at the end,
elsewhere a line a minute.
"""

import io
import json
import os
import re
import subprocess
import sys
import time
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.spinner import Spinner

from nonplus.cli.terminal.progress import FilterGauge, Gauge, line, shown, size_of
from nonplus.corpora.records import RecordFields, Sizes, open_records
from nonplus.filtering.runs.meter import Ahead, FilterMeter
from nonplus.jobs.ledger import Ledger
from nonplus.jobs.stores import open_store
from nonplus.jobs.tasks import Task
from nonplus.measure.records import Document
from nonplus.measure.scoring import Meter
from nonplus.models.synthetic import Bytes


def line_of(gauge, *, width: int = 200) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(line(gauge, Spinner("dots"), width))
    return console.export_text()


def test_the_line_shows_documents_tokens_speed_and_perplexity():
    meter = Meter(tokens=1000, nats=1000.0, documents=3)
    printed = line_of(Gauge(meter, size=0))
    assert "3 documents" in printed
    assert "1,000 tokens" in printed
    assert "tokens/s" in printed
    assert "perplexity 2.718" in printed
    assert "left" not in printed


def test_the_time_left_is_shown_once_the_first_document_gives_tokens_per_byte():
    meter = Meter()
    gauge = Gauge(meter, size=4000)
    assert "left" not in line_of(gauge)
    assert list(gauge.watched([Document(text="x" * 100)], Bytes()))
    meter.tokens, meter.nats = 1000, 1000.0
    assert "left" in line_of(gauge)


@given(st.integers(12, 200), st.integers(0, 10**7), st.integers(0, 10**12), st.floats(0, 12), st.booleans())
def test_the_line_is_one_line_on_a_terminal_of_any_width(width, documents, tokens, mean, plain):
    gauge = Gauge(Meter(tokens=tokens, nats=mean * tokens, documents=documents), size=10**9 if plain else 0)
    assert list(gauge.watched([Document(text="x" * 100)], Bytes()))
    printed = line_of(gauge, width=width)
    assert printed.count("\n") == 1
    assert "tokens" in printed or width < 24


def test_eighty_columns_have_room_for_what_matters_most_and_the_bar():
    gauge = Gauge(Meter(tokens=1_234_567, nats=3e6, documents=1234), size=4_000_000)
    assert list(gauge.watched([Document(text="x" * 100)], Bytes()))
    printed = line_of(gauge, width=80)
    for part in ("1,234,567 tokens", "perplexity 11.3", "left", "1,234 documents", "━"):
        assert part in printed


def test_the_size_is_known_only_where_all_sources_are_plain_files(tmp_path):
    text, packed = tmp_path / "a.txt", tmp_path / "b.txt.gz"
    text.write_text("12345")
    packed.write_bytes(b"123")
    assert size_of([str(text), str(text)]) == 10
    assert size_of([str(text), str(packed)]) == 0
    assert size_of([str(text), "some words"]) == 0


def test_a_short_run_says_nothing_where_stderr_is_not_a_terminal(run, fox):
    assert run("score", fox, "--model", "uniform:256").err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix")
def test_on_a_terminal_the_line_is_drawn_and_stdout_stays_clean(fox):
    leader, follower = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "nonplus.cli", "score", str(fox), "--json"],
        stdout=subprocess.PIPE,
        stderr=follower,
        env=os.environ | {"TERM": "xterm-256color"},
        text=True,
    )
    out, _ = process.communicate(timeout=60)
    drawn = os.read(leader, 1 << 16).decode()
    os.close(follower)
    os.close(leader)
    assert "opening bundled:base" in drawn
    assert "tokens" in drawn
    assert out.startswith('{"perplexity"')
    assert out.count("\n") == 1


@pytest.fixture
def halfway(tmp_path) -> FilterMeter:
    """A filter of a file of four units that has finished one."""
    (tmp_path / "c.jsonl").write_text('{"text": "1234567890"}\n' * 40)
    file = open_records(str(tmp_path / "c.jsonl"), RecordFields(), sizes=Sizes(unit=230))
    meter = FilterMeter()
    meter.begin("filtering")
    ledger = Ledger(open_store(str(tmp_path / "out")))
    meter.expect(Ahead(files=[file], sizes=[file.size], tasks=[Task(0, 0, 1)], ledger=ledger))
    assert meter.expected == 4
    meter.add({"records": 10, "kept": 4, "dropped": 5, "rejected": 1, "kept_bytes": 5_000_000, "dropped_bytes": 0})
    return meter


FILTERED = r"filtering  10 records  5 MB  [\d,.]+ MB/s  40\.0% kept  0:0\d left"


def test_a_filter_shows_its_share_and_the_time_left(halfway):
    assert re.search(FILTERED, line_of(FilterGauge(halfway)))


def test_where_stderr_is_not_a_terminal_a_line_tells_the_same_again_and_again(halfway, capsys):
    told, until = "", time.monotonic() + 30
    with shown(FilterGauge(halfway), every=0.01):
        while told.count("\n") < 3 and time.monotonic() < until:
            time.sleep(0.01)
            told += capsys.readouterr().err
    assert re.fullmatch(rf"(?:{FILTERED}\n){{3,}}", told)


@pytest.mark.parametrize("verb", ["filter", "score"])
def test_the_lines_of_a_run_do_not_come_between_its_figures(run, tmp_path, monkeypatch, verb):
    pytest.importorskip("pyarrow")
    (tmp_path / "c.jsonl").write_text('{"text": "the house stands on a hill"}\n' * 4000)
    monkeypatch.setattr("nonplus.cli.filter.said.shown", partial(shown, every=0.001))
    monkeypatch.setattr("nonplus.cli.score_run.shown", partial(shown, every=0.001))
    words = ["filter", "run", "-o", tmp_path / "out", "--keep", "tokens > 3", "--workers", 1]
    ran = run(*(words if verb == "filter" else ["score"]), tmp_path / "c.jsonl", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)
    assert re.search(r"^filtering  [\d,]+ records?" if verb == "filter" else r"\d tokens  ", ran.err, re.MULTILINE)


class Four:
    """What has four units before it."""

    def with_those(self, made: int) -> float:
        return 4.0


@given(st.integers(20, 96))
def test_a_narrow_line_leaves_out_figures_of_a_filter_and_breaks_none(width):
    meter = FilterMeter()
    gauge = FilterGauge(meter)
    meter.begin("scoring")
    meter.expect(Four())
    meter.add({"records": 1234567, "kept": 4, "dropped": 5, "rejected": 1, "kept_bytes": 5_000_000, "dropped_bytes": 0})
    figures = re.split(r"  +", re.sub(r"^\S+ (?:[━╸╺]+ +)?", "", line_of(gauge, width=width)).strip())
    assert figures[0] == "scoring"
    whole = r"1,234,567 records|5 MB|[\d,.]+ MB/s|0\.0% kept|\d+:\d\d left"
    assert all(re.fullmatch(whole, each) for each in figures[1:] if each)
