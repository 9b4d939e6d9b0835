"""What other tools' ways to read a text do to its perplexity, under one model."""

import json
import math
from dataclasses import replace
from pathlib import Path
from statistics import median_low

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nonplus.filtering.profiles.ways as module
from nonplus.errors import BadInput
from nonplus.filtering.profiles.ways import WAYS, Way, log_perplexities, profiled, spearman
from nonplus.measure.records import Document
from nonplus.models.ngram.sources import TextOptions, scorer

GOLDENS = Path(__file__).with_name("goldens")
RECORDED = json.loads((GOLDENS / "profiles.json").read_text(encoding="utf-8"))
ARPA, PIECES = str(GOLDENS / "pieces.arpa"), str(GOLDENS / "pieces.model")
TEXTS = RECORDED["texts"]


def documents(texts):
    return [Document(text=text, id=str(place)) for place, text in enumerate(texts)]


def reading(normalizer, unit=None):
    pytest.importorskip("sentencepiece")
    return scorer(ARPA, TextOptions(normalizer=normalizer, tokenizer=PIECES, unit=unit))


@pytest.mark.parametrize(("tool", "normalizer"), [("datatrove", "datatrove"), ("data-juicer", "datajuicer")])
def test_the_perplexity_of_a_text_is_what_the_tool_itself_says(tool, normalizer):
    """Both round to one digit. Left out are texts with NUL, at which KenLM stops, and
    those with a piece that Python cuts at a character where KenLM does not.
    """
    sentencepiece = pytest.importorskip("sentencepiece")
    model, cut = reading(normalizer), sentencepiece.SentencePieceProcessor(PIECES)
    found = np.exp(log_perplexities(model, documents(TEXTS)))
    compared = 0
    for text, ours, theirs in zip(TEXTS, found, RECORDED[tool]["perplexities"], strict=True):
        if any(piece.split() != [piece] or "\0" in piece for piece in cut.encode(text, out_type=str)):
            continue
        assert ours == pytest.approx(theirs, abs=0.0501)
        compared += 1
    assert compared > 50


def test_every_way_is_that_of_a_model_that_was_opened_to_read_so():
    found = profiled(documents(TEXTS), reading("standard"), threshold=150)
    assert [each.way.name for each in found.ways] == ["its own", *(way.name for way in WAYS)]
    own = np.exp(log_perplexities(reading("standard"), documents(TEXTS)))
    for each in found.ways:
        texts = [text.replace("\n", each.way.newline) for text in TEXTS]
        expected = np.exp(log_perplexities(reading(each.way.normalizer, each.way.unit), documents(texts)))
        assert each.kept == sum(expected < 150)
        assert each.differ == sum((a < 150) != (b < 150) for a, b in zip(expected, own, strict=True))
        assert each.median == pytest.approx(median_low(expected))
        times = sorted(a / b for a, b in zip(expected, own, strict=True))
        assert each.times == pytest.approx((times[0], times[len(times) // 2 - 1], times[-1]))


def test_the_models_own_way_differs_in_nothing_and_is_not_listed_twice():
    found = profiled(documents(TEXTS), reading("ccnet"))
    own, *others = found.ways
    assert own.way == Way("its own", "ccnet-1", "document")
    assert (own.differ, own.times, own.correlation) == (0, (1, 1, 1), 1)
    assert [each.way for each in others] == list(WAYS[1:])


def test_documents_are_scored_the_same_however_many_are_together(monkeypatch):
    model = reading("standard")
    whole = profiled(documents(TEXTS), model)
    monkeypatch.setattr(module, "_TOGETHER", 300)
    assert profiled(iter(documents(TEXTS)), model) == whole


@pytest.mark.parametrize("threshold", [0.5, math.nan, math.inf, -3])
def test_a_threshold_is_a_perplexity(threshold):
    with pytest.raises(BadInput, match=r"is no perplexity, which is at least 1; use e\.g\. threshold=200"):
        profiled(documents(TEXTS), reading("raw"), threshold=threshold)


def test_without_documents_there_is_nothing_to_compare():
    with pytest.raises(BadInput, match="there are no documents"):
        profiled([], reading("raw"))


def test_what_is_printed_as_json_has_every_way():
    found = profiled(documents(TEXTS[:3]), reading("standard")).as_dict()
    assert [each["name"] for each in found["ways"]] == ["its own", *(way.name for way in WAYS)]
    assert all(each["kept"] + found["documents"] >= 3 for each in found["ways"])
    json.dumps(found, allow_nan=False)


values = st.lists(st.tuples(st.sampled_from([0.0, 1.0, 2.0, 5.0]), st.floats(0, 100)), min_size=1, max_size=20)


@given(values)
def test_spearman_is_pearsons_correlation_of_mean_ranks(pairs):
    columns = np.array(pairs).T
    found = spearman(*columns)
    ranks = [
        [1 + sum(b < a for b in column) + (sum(b == a for b in column) - 1) / 2 for a in column] for column in columns
    ]
    if any(len(set(each)) == 1 for each in ranks):
        assert found is None
    else:
        assert found == pytest.approx(np.corrcoef(ranks)[0, 1])


@given(values)
def test_spearman_does_not_change_when_a_column_is_stretched(pairs):
    first, second = np.array(pairs).T
    assert spearman(first, second) == spearman(np.exp(first / 50), second)


def test_a_newline_that_is_a_blank_glues_no_words():
    glued, apart = (replace(WAYS[0], newline=newline).of(Document(text="a\nb", id="")).text for newline in "\n ")
    assert (glued, apart) == ("a\nb", "a b")
