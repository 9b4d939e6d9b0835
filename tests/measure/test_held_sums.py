"""Sums that are held apart and counted in later are those of all documents at once."""

import json

from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.records import Document
from nonplus.measure.session import Measurement
from nonplus.models.loading import Loading
from nonplus.models.synthetic import open_uniform

texts = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=30)


def measured(documents: list[Document]) -> Measurement:
    measurement = Measurement(open_uniform("256", Loading()))
    for _ in measurement.run(documents) if documents else ():
        pass
    return measurement


@given(st.lists(st.tuples(texts, st.sampled_from(["", "news", "mail"]), st.integers(0, 2)), min_size=1, max_size=20))
def test_parts_of_a_corpus_add_up_in_any_order_to_the_bit(rows):
    documents = [Document(text=text, id=str(place), domain=domain) for place, (text, domain, _) in enumerate(rows)]
    parts = [[document for document, row in zip(documents, rows, strict=True) if row[2] == part] for part in (2, 0, 1)]
    total = Measurement(open_uniform("256", Loading()))
    for part in parts:
        total.hold(json.loads(json.dumps(measured(part).held())))
    assert total.held() == measured(documents).held()
