"""What the cards of the bundled models state is true of their files."""

import hashlib
import json
from pathlib import Path

import pytest

from nonplus import Protocol, evaluate, open_model
from nonplus.measure.protocol.resolved import resolve
from nonplus.models import DEFAULT, bundled_cards, bundled_models
from nonplus.models.bundled_cards import bundled_folder, described, is_of_ngrams
from nonplus.models.ngram.arpa.reading import read_arpa
from nonplus.models.ngram.bundle import write_bundle
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.words import Words

MODELS = pytest.mark.parametrize("name", bundled_models())
WEIGHTS = {False: "model.safetensors", True: "ngrams.packed"}  # by whether a model is of n-grams


def test_the_default_model_comes_with_the_package():
    assert DEFAULT.removeprefix("bundled:") in bundled_models()


@MODELS
def test_the_checksum_listed_is_that_of_the_weights(name):
    weights = (bundled_folder(name) / WEIGHTS[is_of_ngrams(name)]).read_bytes()
    assert described(name).sha256 == hashlib.sha256(weights).hexdigest()


@MODELS
def test_size_context_and_vocabulary_listed_are_those_of_the_model(name):
    card, model = described(name), open_model(f"bundled:{name}")
    context = model.order - 1 if is_of_ngrams(name) else model.max_context
    assert (card.context, card.vocabulary) == (context, model.vocabulary)
    assert card.bytes == sum(file.stat().st_size for file in bundled_folder(name).iterdir())


@MODELS
def test_the_licence_listed_is_that_of_the_card(name):
    card = (bundled_folder(name) / "README.md").read_text(encoding="utf-8")
    assert f"license: {described(name).licence.lower()}\n" in card


@MODELS
def test_every_figure_listed_is_on_the_card_with_its_fingerprint(name):
    lines = (bundled_folder(name) / "README.md").read_text(encoding="utf-8").splitlines()
    for figure in described(name).figures:
        value = f"{figure.value:.2%}".replace("%", " %") if figure.quantity == "accuracy" else f"{figure.value:,.3f}"
        shown = value if figure.value < 100 else f"{figure.value:,.0f}"
        rows = [line for line in lines if figure.text in line and figure.fingerprint in line]
        assert any(shown in row for row in rows), f"{figure.quantity} of {figure.text}: {shown}"


@MODELS
def test_the_fingerprints_listed_are_those_that_the_protocols_have(name):
    model = open_model(f"bundled:{name}")
    for figure in described(name).figures:
        stated = model.protocol if is_of_ngrams(name) else resolve(chosen(figure.signature), model)
        assert (stated.signature, stated.fingerprint) == (figure.signature, figure.fingerprint)


def chosen(signature):
    """The protocol of which a model made a signature."""
    protocol = Protocol.named(signature.partition("|")[0].removesuffix("+"))
    return protocol.but(detokenize="wikitext") if "detokenize:wikitext" in signature else protocol


@MODELS
def test_every_figure_lies_in_its_interval(name):
    for figure in described(name).figures:
        assert figure.low is None or figure.low < figure.value < figure.high


def test_a_folder_without_a_card_is_not_published_yet(tmp_path, monkeypatch):
    for name in ("carded", "bare"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    (tmp_path / "carded" / "figures.json").write_text(json.dumps({}))
    monkeypatch.setattr("nonplus.models.bundled_cards._BUNDLED", tmp_path)
    assert bundled_models() == ["carded"]


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A bundle of n-grams that came with the package as ``weather``."""
    ngrams = read_arpa(Path(__file__).parent / "ngram" / "fixtures" / "weather.arpa")
    write_bundle(tmp_path / "weather", ngrams, rules=Rules(named("standard"), Words(ngrams.words)))
    card = {"licence": "Apache-2.0", "sha256": "00ff", "figures": []}
    (tmp_path / "weather" / "figures.json").write_text(json.dumps(card))
    monkeypatch.setattr(bundled_cards, "_BUNDLED", tmp_path)
    return tmp_path / "weather"


def test_a_bundle_of_ngrams_may_come_with_the_package_too(bundle):
    card = described("weather")
    assert (card.context, card.vocabulary, card.licence) == (2, 7, "Apache-2.0")
    assert card.bytes == sum(file.stat().st_size for file in bundle.iterdir())
    of_name, of_folder = (evaluate("rain falls", model=name) for name in ("bundled:weather", f"ngram:{bundle}"))
    assert of_name.tally == of_folder.tally
    assert of_name.model_identity == of_folder.model_identity
    assert of_name.model == "weather"
