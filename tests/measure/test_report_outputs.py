"""A report as a table in a terminal, a notebook and pandas."""

import math
import sys
from html.parser import HTMLParser

import pytest
from doubles import History

from nonplus.errors import BadProtocol, MissingExtra
from nonplus.measure.forward import RunOptions
from nonplus.measure.records import Document
from nonplus.measure.session import evaluate
from nonplus.models.synthetic import Uniform


class Cells(HTMLParser):
    """What a browser would show of a table, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.rows[-1][-1] += data


def test_a_printed_report_is_the_table_and_not_a_dump() -> None:
    report = evaluate(["ab cd", "ef"], model=History())
    printed = f"{report}".splitlines()  # as print() does
    assert [tuple(part.strip() for part in line.split("  ", 1)) for line in printed] == [*report.lines()]


def test_a_notebook_shows_the_lines_of_the_report_and_runs_nothing_that_a_text_brings() -> None:
    documents = [Document(text="ab cd", domain="<script>alert('x')</script>"), Document(text="ef gh", domain="&amp;")]
    report = evaluate(documents, model=History())
    shown = report._repr_html_()
    assert "<script" not in shown
    page = Cells()
    page.feed(shown)
    assert page.rows == [list(line) for line in report.lines()]


def test_a_data_frame_holds_every_figure_with_its_interval() -> None:
    pytest.importorskip("pandas")
    report = evaluate([f"text {n} of them" for n in range(9)], model=History())
    frame = report.frame()
    assert [*frame.columns] == ["value", "low", "high"]
    for name in frame.index:
        told = report.to_dict()[name]
        assert frame.value[name] == pytest.approx(math.nan if told is None else told, nan_ok=True)
    assert frame.low["perplexity"] < report.perplexity < frame.high["perplexity"]
    assert math.isnan(frame.low["nats"])


def test_a_figure_that_does_not_exist_is_nan_and_an_infinite_one_infinite_in_a_data_frame() -> None:
    pytest.importorskip("pandas")
    frame = evaluate(["ab"], model=Uniform(300)).frame()
    assert math.isnan(frame.high["word_perplexity"])
    assert frame.dtypes.eq(float).all()


def test_without_pandas_a_data_frame_is_refused_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"pip install 'nonplus\[pandas\]'$"):
        evaluate(["ab"], model=Uniform(300)).frame()


def test_a_report_refuses_to_compute_what_it_could_not_hold() -> None:
    with pytest.raises(BadProtocol, match="no place for alternatives=3"):
        evaluate(["ab"], model=Uniform(300), options=RunOptions(alternatives=3))
