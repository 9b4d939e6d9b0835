"""Imports from recipes/bundled, which is a folder of scripts and not a package."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BUNDLED = Path(__file__).resolve().parents[2] / "recipes" / "bundled"


@pytest.fixture
def recipe_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder is on the path during a test; its modules are unloaded afterwards."""
    monkeypatch.setattr(sys, "path", [str(BUNDLED), *sys.path])
    yield
    for file in BUNDLED.glob("*.py"):
        sys.modules.pop(file.stem, None)
