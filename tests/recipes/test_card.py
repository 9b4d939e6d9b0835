"""The card of a bundled model: its figures on models of known answers, and what is
written where.
"""

import importlib
import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nonplus import Document, Protocol
from nonplus.models import bundled_models
from nonplus.models.bundled_cards import is_of_ngrams
from nonplus.models.synthetic import Uniform

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def recipe(recipe_path: None) -> Any:
    """The recipe's ``figures``, and its ``card`` and ``curve`` where there is
    matplotlib.
    """
    return SimpleNamespace(load=importlib.import_module)


@pytest.fixture
def lambada(tmp_path: Path) -> Path:
    file = tmp_path / "lambada.jsonl"
    file.write_text("".join(json.dumps({"text": f"It was {n} o'clock when he {word}"}) + "\n" for n, word in WORDS))
    return file


WORDS = [(1, "left"), (2, "came"), (3, "sang"), (4, "woke")]


def test_last_words_of_four_letters_and_a_blank_under_the_even_guess(recipe: Any, lambada: Path) -> None:
    """A closed form: five bytes of one chance in 256, of which none is more probable
    than another.
    """
    perplexity, accuracy = recipe.load("figures").lambada(Uniform(), lambada)
    assert perplexity.value == pytest.approx(256**5)
    assert perplexity.low == pytest.approx(perplexity.high) == pytest.approx(256**5)
    assert accuracy.value == 1.0
    assert (perplexity.documents, perplexity.tokens) == (4, 20)


def test_a_passage_is_parted_at_its_last_blank(recipe: Any, lambada: Path) -> None:
    first = next(recipe.load("figures").passages(lambada))
    assert (first.context, first.text) == ("It was 1 o'clock when he", " left")


def test_a_file_under_the_even_guess_has_eight_bits_per_byte(recipe: Any, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("The quick brown fox jumps over the lazy dog. " * 400)
    figure = recipe.load("figures").whole("domains", "foxes", tmp_path / "text.txt", Uniform())
    assert figure.value == pytest.approx(8)
    assert figure.quantity == "bits per byte"
    assert (figure.low, figure.high, figure.clusters) == (None, None, "1 document")


def test_documents_under_the_even_guess_have_eight_bits_per_byte_and_words_as_long_as_they_are(recipe: Any) -> None:
    """A closed form: each byte one chance in 256; the first of a text, and its word,
    have nothing before them.
    """
    documents = [Document(text="a fox and a dog"), Document(text="over the lazy dog"), Document(text="a fox")]
    found = recipe.load("figures").corpus("group", "foxes", documents, Uniform(), Protocol())
    per_byte, per_word = found
    assert (per_byte.quantity, per_byte.value) == ("bits per byte", pytest.approx(8))
    assert (per_word.quantity, per_word.value) == ("word perplexity", pytest.approx(256 ** (34 / 8)))
    assert per_byte.clusters == per_word.clusters == "3 documents"
    assert (per_byte.low, per_byte.high) == pytest.approx((8, 8))


def test_two_documents_have_no_interval(recipe: Any) -> None:
    documents = [Document(text="a fox and a dog"), Document(text="over the lazy dog")]
    for figure in recipe.load("figures").corpus("group", "foxes", documents, Uniform(), Protocol()):
        assert (figure.low, figure.high, figure.clusters) == (None, None, "2 documents")


def test_an_interval_is_that_of_a_ratio_of_sums_over_documents(recipe: Any) -> None:
    """By hand: residuals 1, -1, 1, -1 around a ratio of 2 over 8 units; Student's t at
    97.5 % of 3 degrees is 3.182.
    """
    mean, low, high = recipe.load("figures").ratio([5, 3, 5, 3], [2, 2, 2, 2])
    half = 3.1824 * math.sqrt(4 / 3 * 4) / 8
    assert (mean, low, high) == pytest.approx((2, 2 - half, 2 + half), rel=2e-3)


def test_what_stands_between_markers_is_replaced_and_the_rest_stays(recipe: Any) -> None:
    pytest.importorskip("matplotlib")
    card = recipe.load("card")
    old, new = (f"by hand\n{card.MARKED.format('figures', text)}\nby hand too\n" for text in ("1.7\n", "1.6\n"))
    assert card.filled(old, {"figures": "1.6\n"}) == new
    with pytest.raises(ValueError, match="no place for samples"):
        card.filled(new, {"samples": ""})


@pytest.mark.parametrize(
    "card", sorted(ROOT.glob("src/nonplus/models/bundled/*/README.md")), ids=lambda card: card.parent.name
)
def test_every_card_has_a_place_for_what_is_measured(recipe: Any, card: Path) -> None:
    pytest.importorskip("matplotlib")
    text = card.read_text(encoding="utf-8")
    last = "quantiles" if is_of_ngrams(card.parent.name) else "samples"
    parts = dict.fromkeys(("size", "figures", "training", last), "measured\n")
    assert recipe.load("card").filled(text, parts).count("measured\n") == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", bundled_models())
def test_the_card_in_the_package_is_what_is_written_anew(recipe: Any, tmp_path: Path, name: str) -> None:
    """All but the greedy text, where another processor's rounding may decide between
    two tokens.
    """
    pytest.importorskip("matplotlib")
    card = recipe.load("card")
    folder = tmp_path / name
    shutil.copytree(
        ROOT / "src" / "nonplus" / "models" / "bundled" / name, folder, ignore=shutil.ignore_patterns("*.md", "*.png")
    )
    card.write_card(folder, tmp_path)
    cut = {} if is_of_ngrams(name) else {"samples": ""}
    written, published = (
        card.filled((each / "README.md").read_text(encoding="utf-8"), cut)
        for each in (folder, ROOT / "src" / "nonplus" / "models" / "bundled" / name)
    )
    assert written == published
    if cut:
        assert "\n> **The history of the city** " in (folder / "README.md").read_text(encoding="utf-8")
        assert (folder / "curve.png").exists()


def test_figures_of_the_same_weights_are_not_measured_again(
    recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    card = recipe.load("card")
    weights = b"\2\0\0\0\0\0\0\0{}"
    (tmp_path / "model.safetensors").write_bytes(weights)
    (tmp_path / "figures.json").write_text(json.dumps({"sha256": card.hashlib.sha256(weights).hexdigest()}))
    monkeypatch.setattr(card, "figures", lambda model, data: pytest.fail("measured again"))
    assert card.measured(tmp_path, tmp_path)["sha256"]


@pytest.mark.parametrize(("device", "kind"), [("", "Llama"), ("cpu", "HFModel")])
def test_figures_are_measured_with_numpy_or_with_torch_on_the_device_named(
    recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, kind: str
) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("transformers")
    card = recipe.load("card")
    folder = tmp_path / "tiny"
    shutil.copytree(
        ROOT / "src" / "nonplus" / "models" / "bundled" / "tiny", folder, ignore=shutil.ignore_patterns("figures.json")
    )
    seen: list[Any] = []
    monkeypatch.setattr(card, "figures", lambda model, data: seen.append(model) or [])
    card.measured(folder, tmp_path, device)
    assert [(type(model).__name__, model.dtype) for model in seen] == [(kind, "float32")]


def test_a_curve_has_each_step_once_as_it_went_last(recipe: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    curve = recipe.load("curve")
    lines = [{"step": step, "tokens": step * 10, "nats_per_token": nats} for step, nats in [(1, 9), (2, 8), (2, 7)]]
    (tmp_path / "loss.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    steps = curve.log(tmp_path / "loss.jsonl")
    assert [each["nats_per_token"] for each in steps] == [9, 7]
    curve.draw(steps, tmp_path / "curve.png", title="a training")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
