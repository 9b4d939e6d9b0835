"""Blank documents are omitted and counted, or kept where a protocol joins them."""

from pathlib import Path

import pytest

from nonplus.corpora import open_corpora
from nonplus.errors import BadInput


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.txt"
    path.write_text("one\n\n  \ntwo\n")
    return path


def test_blank_documents_are_omitted_and_counted(rows: Path) -> None:
    corpus = open_corpora([f"lines:{rows}"])
    assert [document.text for document in corpus] == ["one", "two"]
    assert corpus.skipped == 2


def test_blank_documents_are_kept_for_a_stream(rows: Path) -> None:
    corpus = open_corpora([f"lines:{rows}"], keep_blank=True)
    assert [document.text for document in corpus] == ["one", "", "  ", "two"]
    assert corpus.skipped == 0


@pytest.mark.parametrize("keep_blank", [True, False])
def test_a_corpus_of_only_blank_documents_is_refused(tmp_path: Path, keep_blank: bool) -> None:
    path = tmp_path / "rows.txt"
    path.write_text("\n\n")
    with pytest.raises(BadInput, match="2 documents, none with text"):
        list(open_corpora([f"lines:{path}"], keep_blank=keep_blank))
