"""Fixtures of records: a file written and read in one call."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nonplus.corpora.records import Batch, RecordFields, Sizes, open_records

Read = Callable[..., list[Batch]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """All units of a file with this content; keywords are fields, or the sizes."""

    def units(content: bytes, name: str = "rows.jsonl", *, sizes: Sizes | None = None, **fields: object) -> list[Batch]:
        path = tmp_path / name
        path.write_bytes(content)
        opened = open_records(str(path), RecordFields(**fields), sizes=sizes or Sizes())
        return list(opened.units(lambda _: True))

    return units
