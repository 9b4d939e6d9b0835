"""Tables and histograms in lines of a terminal."""

import io
from contextlib import redirect_stdout

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.cli.terminal.tables import say_histogram, say_table


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_numbers_stand_below_each_other_and_text_begins_in_one_column(capsys: pytest.CaptureFixture[str]):
    say_table(("name", "records", "note"), [("a", "1,000", "x"), ("longer", "7", "yy")], texts=(0, 2))
    assert lines(capsys) == ["name    records  note", "a         1,000  x", "longer        7  yy"]


def test_of_a_long_name_the_end_is_shown_and_controls_are_symbols(capsys: pytest.CaptureFixture[str]):
    say_table(("file", "n"), [("/a" * 60 + "/last.jsonl", "1"), ("b\nc", "2\x1b")])
    _, first, second = lines(capsys)
    assert first.startswith("…/a/a")
    assert first.endswith("/a/last.jsonl   1")
    assert "b␊c" in second
    assert "2␛" in second


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=121).filter(any))
def test_a_histogram_counts_every_document_once(pairs):
    after = np.array([min(pair) for pair in pairs])
    before = np.array([max(pair) for pair in pairs])
    with redirect_stdout(io.StringIO()) as out:
        say_histogram(before, after, width=0.1, unit="bits per byte")
    bars = out.getvalue().splitlines()[1:]
    assert len(bars) <= 25
    assert sum(int(bar.split()[-1].replace(",", "")) for bar in bars) == before.sum()
    assert all(bar.count("█") + bar.count("░") <= 40 for bar in bars)
