"""Progress is shown on stderr, only in a terminal, and removed at the end."""

import io
import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from nonplus.cli.terminal.progress import FilterGauge, Gauge, size_of
from nonplus.filtering.runs.meter import FilterMeter
from nonplus.measure.records import Document
from nonplus.measure.scoring import Meter
from nonplus.models.synthetic import Bytes


def line_of(gauge: Gauge, *, width: int = 200) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(gauge.line(width))
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


def test_nothing_is_drawn_where_stderr_is_not_a_terminal(run, fox):
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


def test_a_filter_shows_its_share_and_the_time_left():
    meter = FilterMeter()
    gauge = FilterGauge(meter)
    meter.expected = 4.0
    meter.add({"records": 10, "kept": 4, "dropped": 5, "rejected": 1, "kept_bytes": 5_000_000, "dropped_bytes": 0})
    printed = line_of(gauge)
    assert re.search(r"10 records  5 MB  [\d,.]+ MB/s  40\.0% kept  0:0\d left", printed)


@given(st.integers(20, 96))
def test_a_narrow_line_leaves_out_figures_of_a_filter_and_breaks_none(width):
    meter = FilterMeter()
    gauge = FilterGauge(meter)
    meter.begin("scoring")
    meter.expected = 4.0
    meter.add({"records": 1234567, "kept": 4, "dropped": 5, "rejected": 1, "kept_bytes": 5_000_000, "dropped_bytes": 0})
    figures = re.split(r"  +", line_of(gauge, width=width).strip())
    assert figures[0].split()[-1] == "scoring"
    whole = r"1,234,567 records|5 MB|[\d,.]+ MB/s|0\.0% kept|\d+:\d\d left"
    assert all(re.fullmatch(whole, each) for each in figures[1:] if each)
