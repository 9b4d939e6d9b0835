"""Tables and histograms in lines of a terminal."""

import io
from contextlib import redirect_stdout

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.cli.terminal.printing import say_field
from nonplus.cli.terminal.tables import say_histogram, say_table


class Terminal(io.StringIO):
    """What takes output, and is a terminal."""

    def isatty(self) -> bool:
        return True


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


numbers = st.integers(0, 10**9).map("{:,}".format)
names = st.text("abc/ ", min_size=1, max_size=60)


@given(data=st.data(), columns=st.integers(40, 120), of=st.integers(1, 9))
def test_in_a_terminal_every_number_is_whole_beside_its_name_and_no_line_is_too_long(data, columns, of):
    rows = data.draw(st.lists(st.tuples(names, *[numbers] * of), min_size=1, max_size=4))
    heads = ("name", *(f"head of {place}" for place in range(of)))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(Terminal()) as out:
        patch.setenv("COLUMNS", str(columns))
        patch.setenv("NO_COLOR", "1")
        say_table(heads, rows)
    printed = [[line for line in table.splitlines() if line] for table in out.getvalue().split("\n\n")]
    assert max(len(line) for table in printed for line in table) <= columns
    for place, row in enumerate(rows):
        found = [word for table in printed for word in table[1 + place].split() if word[0].isdecimal()]
        assert found == list(row[1:])


def test_a_long_text_goes_on_below_itself(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(Terminal()) as out:
        say_table(
            ("why", "n", "for instance"), [("short", "7", "a text of more than forty columns altogether")], texts=(0, 2)
        )
        say_field("kept", "355 records (88.8%), 96.7 kB of text")
    assert out.getvalue().splitlines() == [
        "why    n",
        "short  7",
        "",
        "why    for instance",
        "short  a text of more than forty columns",
        "       altogether",
        "kept             355 records (88.8%),",
        "                 96.7 kB of text",
    ]


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_a_histogram_fits_into_a_terminal(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(Terminal()) as out:
        say_histogram(np.array([9, 123_456_789]), np.array([9, 3]), width=0.1, unit="bits per byte")
    assert max(map(len, out.getvalue().splitlines())) <= columns
