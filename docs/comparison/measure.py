"""Measure cases in this process, on the Keras backend KERAS_BACKEND, into a JSON file.

::

    KERAS_BACKEND=jax python -m docs.comparison.measure FILE underflow banned-tokens
"""

import json
import math
import os
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from docs.comparison.chapters import CASES
from docs.comparison.record import Case, Figure


def measured(case: Case) -> dict[str, Any]:
    """The lines of a case with all figures, and the classes that did not run.

    On a backend other than the case's first, only classes that depend on the backend
    run.
    """
    backend = os.environ["KERAS_BACKEND"]
    everyone = backend == case.backends[0]
    lines: list[dict[str, Any]] = []
    absent: dict[str, str] = {}
    try:
        for line in case.measure():
            asked = {who: get for who, get in line.figures.items() if everyone or f"({backend})" in who}
            figures = {who: _asked(get, who, absent) for who, get in asked.items()}
            kept = {who: figure for who, figure in figures.items() if who not in absent}
            lines.append({"input": line.input, "truth": line.truth, "figures": kept})
    except ImportError as missing:
        absent["everyone"] = _reason(missing)
    return {"versions": _versions(case), "lines": lines, "not_run": absent}


def _asked(get: Callable[[], Figure], who: str, absent: dict[str, str]) -> Figure:
    try:
        return _written(get())
    except ImportError as missing:
        absent[who] = _reason(missing)
        return ""


def _reason(missing: ImportError) -> str:
    return f"{missing.name or 'a dependency'} cannot be imported"


def _written(figure: Figure) -> Figure:
    """A figure for JSON, which has neither infinity nor NaN."""
    return figure if isinstance(figure, str) or math.isfinite(figure) else str(figure)


def _versions(case: Case) -> dict[str, str]:
    found = {}
    for package in case.packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def main(file: str, *names: str) -> None:
    """Measure the cases named."""
    warnings.simplefilter("ignore")
    Path(file).write_text(json.dumps({name: measured(CASES[name]) for name in names}), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
