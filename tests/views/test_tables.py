"""Tables of documents: a row for each, with the figures of that document."""

import math
import sys
from pathlib import Path

import pytest
from doubles import History

from nonplus.errors import BadInput
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.records import Document
from nonplus.measure.scoring import score
from nonplus.measure.session import Measurement
from nonplus.views.tables import DOCUMENTS, TOKENS, document_row, table


def test_a_document_is_a_row_of_the_table_of_documents() -> None:
    measurement = Measurement(History(), Protocol())
    (scored,) = score([Document(text="né", id="a", domain="d")], model=History())
    (sums,) = measurement.add(scored.texts)
    row = document_row(sums, "perplexity")
    assert list(row) == list(DOCUMENTS)
    assert (row["id"], row["domain"], row["bytes"], row["chars"], row["tokens"]) == ("a", "d", 3, 2, 3)
    assert row["perplexity"] == pytest.approx(math.exp(scored.nats.mean()))


@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_full_disk_is_explained_and_the_table_before_stays(tmp_path: Path, suffix: str) -> None:
    resource = pytest.importorskip("resource")
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"rows{suffix}"
    path.write_text("old")
    row = {"document": "a" * 100, "index": 0, "id": 0, "text": "b", "start": 0, "nats": 1.0, "seen": 0}
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
    try:
        with (
            pytest.raises(BadInput, match=rf"rows\{suffix} cannot be written: .*; make room"),
            table(path, TOKENS) as it,
        ):
            it.write({**row, "document": f"{n:0200x}"[::-1], "id": n} for n in range(70_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
