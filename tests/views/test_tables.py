"""Tables of documents: a row for each, with the figures of that document."""

import math

import pytest
from doubles import History

from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.records import Document
from nonplus.measure.scoring import score
from nonplus.measure.session import Measurement
from nonplus.views.tables import DOCUMENTS, document_row


def test_a_document_is_a_row_of_the_table_of_documents() -> None:
    measurement = Measurement(History(), Protocol())
    (scored,) = score([Document(text="né", id="a", domain="d")], model=History())
    (sums,) = measurement.add(scored.texts)
    row = document_row(sums)
    assert list(row) == list(DOCUMENTS)
    assert (row["id"], row["domain"], row["bytes"], row["chars"], row["tokens"]) == ("a", "d", 3, 2, 3)
    assert row["perplexity"] == pytest.approx(math.exp(scored.nats.mean()))
