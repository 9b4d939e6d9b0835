"""Fixtures of the corpora: reading a source in one call, writing rows as JSON Lines."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from nonplus.corpora import CorpusOptions, open_corpus
from nonplus.measure.records import Document

Read = Callable[..., list[Document]]
Write = Callable[..., Path]


@pytest.fixture
def read() -> Read:
    """All documents of a source; keywords are the fields of CorpusOptions."""
    return lambda source, **options: list(open_corpus(source, options=CorpusOptions(**options)))


@pytest.fixture
def jsonl(tmp_path: Path) -> Write:
    """A file of JSON Lines with these rows; a string is written unchanged."""

    def write(rows: Iterable[Any], name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
        return path

    return write
