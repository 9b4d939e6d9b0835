"""Every example of README.md and docs/ is a test: it is played, and its output compared
with what the page says.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docs import refresh
from sybil import Document, Example, Region, Sybil

_REMEDY = "python docs/refresh.py"


def _regions(document: Document) -> Iterator[Region]:
    for block in refresh.blocks(document.text):
        yield Region(block.start, block.stop, block, _evaluated)


def _evaluated(example: Example) -> None:
    """Fail unless an example prints what the page says."""
    block = example.parsed
    if block.hindrance:
        pytest.skip(block.hindrance)
    now = example.namespace["stage"].play(block)
    if not (block.varies or refresh.same(block.body, now)):
        # Not a returned message: Sybil's own failures end in an IndexError when
        # hypothesis is installed.
        pytest.fail(f"the page says\n\n{block.body}\nand it is\n\n{now}\nif that is right: {_REMEDY}", pytrace=False)


def _furnish(namespace: dict[str, Any]) -> None:
    folder = tempfile.TemporaryDirectory()
    namespace |= {"folder": folder, "stage": refresh.Stage(Path(folder.name))}


def _clear(namespace: dict[str, Any]) -> None:
    namespace["folder"].cleanup()


pytest_collect_file = Sybil(
    parsers=[_regions],
    path=str(refresh.ROOT),
    patterns=[page.relative_to(refresh.ROOT).as_posix() for page in refresh.pages()],
    excludes=[f"{place}*" for place in refresh.ELSEWHERE],  # the pattern README.md stands for each of that name
    setup=_furnish,
    teardown=_clear,
).pytest()
