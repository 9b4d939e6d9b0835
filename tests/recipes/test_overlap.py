"""What of a test text stands in the training text: words in a row, whatever their case
and punctuation.
"""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyppmd")
pytest.importorskip("tokenizers")


@pytest.fixture
def overlap(recipe_path: None) -> Any:
    """The recipe's module."""
    return importlib.import_module("overlap")


@pytest.mark.parametrize(("words", "runs"), [(0, 0), (12, 0), (13, 1), (15, 3)])
def test_a_run_is_thirteen_words(overlap: Any, words: int, runs: int) -> None:
    assert overlap.runs(" ".join(f"w{i}" for i in range(words))).size == runs


def test_a_run_is_known_again_in_other_dress_and_not_in_another_order(overlap: Any) -> None:
    words = ["the", "2", "cats", "sat", "on", "a", "mat", "and", "the", "dog", "saw", "them", "there"]
    (plain,) = overlap.runs(" ".join(words))
    (dressed,) = overlap.runs(", ".join(words).title() + "!")
    (turned,) = overlap.runs(" ".join([words[1], words[0], *words[2:]]))
    assert dressed == plain != turned


def test_runs_of_rows_are_counted_by_kind(overlap: Any, tmp_path: Path) -> None:
    words = [f"w{i}" for i in range(14)]
    texts = {"a": [words, words[1:]], "b": [words[:13]], "too short": [words[:5]]}
    rows = [{"kind": kind, "text": " ".join(text)} for kind, each in texts.items() for text in each]
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found = overlap.of_kinds(tmp_path / "rows.jsonl")
    assert {kind: each.size for kind, each in found.items()} == {"a": 2, "b": 1}
