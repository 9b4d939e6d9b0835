"""What a figure is stands in its place everywhere, if it is no perplexity."""

import pytest
from test_text_scorers import ByLine, Lines

from nonplus.errors import BadProtocol
from nonplus.filtering.scoring.scorer import Scorer
from nonplus.measure.interfaces import Quantity
from nonplus.measure.report import Report
from nonplus.measure.scores import ScoredTexts
from nonplus.measure.session import Measurement
from nonplus.measure.statistics.document_sums import document_sums
from nonplus.models import open_model
from nonplus.views import heatmap
from nonplus.views.explanation import explanation
from nonplus.views.tables import document_row

PSEUDO = ByLine(Lines(quantity="pseudo-perplexity"))


def measured(model: ByLine) -> tuple[Report, ScoredTexts]:
    measurement = Measurement(model)
    ((texts, _),) = measurement.run(["ab\ncd"])
    return measurement.report(), texts


@pytest.mark.parametrize("quantity", ["perplexity", "pseudo-perplexity", "conditional perplexity"])
def test_every_output_names_the_quantity(quantity: Quantity) -> None:
    model = ByLine(Lines(quantity=quantity))
    report, texts = measured(model)
    (sums,) = document_sums(texts)
    lines = dict(report.lines())
    assert {quantity, f"word {quantity}"} <= lines.keys()
    assert ("perplexity" in lines) == (quantity == "perplexity")
    assert repr(report).startswith(f"{quantity} {lines[quantity].split()[0]}")
    assert report.to_dict()["quantity"] == document_row(sums, quantity)["quantity"] == quantity
    assert f"A {quantity} of" in explanation(report, vocabulary=256)
    page = heatmap.page([*texts], model=model, report=report, title="two lines")
    assert f"<dt>{quantity}</dt>" in page
    assert f"<small>{quantity} " in page


def test_what_is_no_perplexity_is_not_explained_as_one() -> None:
    said = explanation(measured(PSEUDO)[0], vocabulary=256)
    assert "which saw the tokens on both sides" in said
    assert "A pseudo-perplexity is no perplexity" in said
    assert "compress" not in said
    assert "GPT-2" not in said


def test_a_model_of_n_grams_and_one_of_windows_give_a_perplexity() -> None:
    assert {Measurement(open_model(name)).protocol.quantity for name in ("tiny", "bundled:ngram")} == {"perplexity"}


def test_a_filter_cuts_by_perplexity_only() -> None:
    with pytest.raises(BadProtocol, match=r"by line gives a pseudo-perplexity, .*; use a causal model"):
        Scorer(PSEUDO)
