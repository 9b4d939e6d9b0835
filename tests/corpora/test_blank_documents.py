"""Blank documents: left out and counted, or kept where a protocol joins them."""

from pathlib import Path

import pytest

from nonplus.corpora import open_corpora
from nonplus.errors import BadInput


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.txt"
    path.write_text("one\n\n  \ntwo\n")
    return path


def test_they_are_left_out_and_counted(rows: Path) -> None:
    corpus = open_corpora([f"lines:{rows}"])
    assert [document.text for document in corpus] == ["one", "two"]
    assert corpus.skipped == 2


def test_they_are_kept_for_a_stream_in_which_the_joiner_then_stands_twice(rows: Path) -> None:
    corpus = open_corpora([f"lines:{rows}"], keep_blank=True)
    assert [document.text for document in corpus] == ["one", "", "  ", "two"]
    assert corpus.skipped == 0


@pytest.mark.parametrize("keep_blank", [True, False])
def test_blank_ones_alone_are_no_corpus(tmp_path: Path, keep_blank: bool) -> None:
    path = tmp_path / "rows.txt"
    path.write_text("\n\n")
    with pytest.raises(BadInput, match="every document is blank \\(2\\)"):
        list(open_corpora([f"lines:{path}"], keep_blank=keep_blank))
