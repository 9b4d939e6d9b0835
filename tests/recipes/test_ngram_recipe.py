"""The recipe of the bundled n-gram model, on a chapter of a novel."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus import open_model
from nonplus.models.ngram.bundle import open_bundle
from nonplus.models.ngram.text.cuts import BLANKS
from nonplus.models.ngram.text.tokenizers_file import TokenizersFile

TEXTS = (Path(__file__).resolve().parents[2] / "examples" / "lost_world.txt").read_text().split("\n\n")[:120]


@pytest.fixture
def recipe(recipe_path: None) -> Callable[[str], Any]:
    pytest.importorskip("matplotlib")
    pytest.importorskip("pyppmd")
    return importlib.import_module


@pytest.fixture
def shape(recipe: Callable[[str], Any]) -> Any:
    return recipe("ngram").Shape(pieces=400, order=3, prune=(0, 0, 1), most_bytes=80_000)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Texts in the place of those that quantiles are taken of."""
    folder = tmp_path / "data"
    for name in ("eval/wiki2019/valid.txt", "domains/novels.test.txt", "domains/masc/blog.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(TEXTS[60:]))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
def test_the_same_text_gives_the_same_bytes_in_any_memory(
    recipe: Callable[[str], Any], shape: Any, tmp_path: Path
) -> None:
    folders = []
    for memory in ("128M", "1G"):
        (tmp_path / memory).mkdir()
        folders.append(recipe("ngram").made(lambda: TEXTS, tmp_path / memory, shape, memory=memory))
    assert contents(folders[0]) == contents(folders[1])


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
def test_what_is_published_has_the_size_asked_for_and_quantiles_and_keeps_its_card(
    recipe: Callable[[str], Any], shape: Any, tmp_path: Path, data: Path
) -> None:
    out = tmp_path / "ngram"
    out.mkdir()
    (out / "README.md").write_text("by hand")
    (out / "figures.json").write_text("{}")
    bundle = recipe("ngram").made(lambda: TEXTS, tmp_path, shape, memory="128M")
    recipe("ngram").publish(bundle, data, out)
    assert {file.name for file in out.iterdir()} == {
        "README.md", "manifest.json", "words.txt", "tokenizer.json", "ngrams.packed"
    }  # fmt: skip
    assert (out / "README.md").read_text() == "by hand"
    assert sum(len(content) for content in contents(out).values()) < shape.most_bytes
    found = open_bundle(out, whole=True).manifest.quantiles["en"]
    assert list(found) == [f"{percent / 100:.2f}" for percent in range(1, 100)]
    assert sorted(found.values()) == list(found.values())
    assert open_model(f"ngram:{out}").order == 3


def test_documents_of_the_quantiles_are_whole_lines_of_2000_bytes_or_more(
    recipe: Callable[[str], Any], tmp_path: Path
) -> None:
    file = tmp_path / "text.txt"
    file.write_text("a line of thirty-three characters\n" * 150)
    found = list(recipe("quantiles").pieces(file))
    assert [len(piece) for piece in found] == [59 * 34, 59 * 34]


def test_a_word_has_pieces_of_its_own_from_which_it_can_be_read_back(recipe: Callable[[str], Any]) -> None:
    tokenizer = recipe("ngram").fitted(TEXTS, 400)
    by_words = TokenizersFile(tokenizer.to_str().encode())
    assert by_words.blanks == BLANKS

    # four characters are blanks in Python only, and normalising makes them such
    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1c\x1d\x1e\x1f")))
    def holds(text: str) -> None:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        assert tokenizer.decode(ids) == "".join(f" {word}" for word in text.split())

    holds()


def test_the_card_tells_the_counts_and_quantiles_of_the_manifest(recipe: Callable[[str], Any], tmp_path: Path) -> None:
    folder = Path(__file__).resolve().parents[2] / "src" / "nonplus" / "models" / "bundled" / "ngram"
    manifest = json.loads((folder / "manifest.json").read_text())
    made = json.loads((folder / "figures.json").read_text())
    parts = recipe("ngram_card").parts(folder, made)
    assert all(f"{count:,} of order {order}" in parts["size"] for order, count in enumerate(manifest["counts"], 1))
    assert manifest["training"]["text_sha256"] in parts["training"]
    assert f"{manifest['quantiles']['en']['0.95']:,.1f}" in parts["quantiles"]
