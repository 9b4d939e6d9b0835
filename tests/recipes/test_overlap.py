"""What of a test text stands in the training text: words in a row, whatever their case and punctuation."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyppmd")
pytest.importorskip("tokenizers")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def overlap(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The recipe's module, and the one it imports, forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "recipes" / "bundled"), *sys.path])
    yield importlib.import_module("overlap")
    for name in ("overlap", "data"):
        del sys.modules[name]


@pytest.mark.parametrize(("words", "runs"), [(0, 0), (12, 0), (13, 1), (15, 3)])
def test_a_run_is_thirteen_words(overlap: Any, words: int, runs: int) -> None:
    assert overlap.runs(" ".join(f"w{i}" for i in range(words))).size == runs


def test_a_run_is_known_again_in_other_dress_and_not_in_another_order(overlap: Any) -> None:
    words = ["the", "2", "cats", "sat", "on", "a", "mat", "and", "the", "dog", "saw", "them", "there"]
    (plain,) = overlap.runs(" ".join(words))
    (dressed,) = overlap.runs(", ".join(words).title() + "!")
    (turned,) = overlap.runs(" ".join([words[1], words[0], *words[2:]]))
    assert dressed == plain != turned
