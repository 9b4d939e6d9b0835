"""The recipes are scripts beside each other, not a package: their folder is on the path
while a test runs.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BUNDLED = Path(__file__).resolve().parents[2] / "recipes" / "bundled"


@pytest.fixture
def recipe_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is imported from there meanwhile is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [str(BUNDLED), *sys.path])
    yield
    for file in BUNDLED.glob("*.py"):
        sys.modules.pop(file.stem, None)
