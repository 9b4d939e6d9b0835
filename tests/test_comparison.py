"""The page that compares metric classes says what was measured, ours is the truth on
it, and peers still say the same.

The figures were recorded by ``make comparison``; docs/comparison/results.json names the
versions.
"""

import json
import math
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from docs.comparison import page
from docs.comparison.chapters import CASES

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "comparison"
RESULTS = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
WITH_TRUTH = [
    pytest.param(line, id=f"{name}: {line['input']}")
    for name, case in RESULTS["cases"].items()
    for line in case["lines"]
    if line["truth"] is not None
]


def ours(figures):
    return {who: figure for who, figure in figures.items() if who.startswith("nonplus")}


def test_the_page_is_what_the_recorded_figures_render_to():
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == page.rendered(RESULTS), "make comparison"


def test_every_case_was_run_by_everyone():
    assert list(RESULTS["cases"]) == list(CASES)
    assert not [case["not_run"] for case in RESULTS["cases"].values() if case["not_run"]]


@pytest.mark.parametrize("line", WITH_TRUTH)
def test_ours_is_the_truth(line):
    assert ours(line["figures"])
    for who, figure in ours(line["figures"]).items():
        assert true(figure, line["truth"], who), who


def test_a_deviation_has_a_sign_and_two_digits_that_matter():
    shown = [page.compared(figure, 100.0) for figure in (100.0, 103.1, 99.98, 5_000.0, 0.5, "inf", "nan")]
    assert shown == [
        "100",
        "103.1 (+3.1 %)",
        "99.98 (−0.020 %)",
        "5,000 (× 50)",
        "0.5 (÷ 200)",
        "infinite",
        "NaN",
    ]


NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]\d+)?")


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    for module in ("torch", "torchmetrics", "jax", "keras", "ignite", "transformers"):
        if find_spec(module) is None:  # to import them here takes seconds, and settles keras on a backend
            pytest.skip(f"needs {module}")
    folder = tmp_path_factory.mktemp("comparison")
    names = [name for name, case in CASES.items() if not case.elsewhere]
    command = [sys.executable, "-m", "docs.comparison.run", "--into", str(folder), *names]
    subprocess.run(command, check=True, cwd=ROOT)
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.elsewhere])
def test_the_peers_of_this_environment_still_say_the_same(again, name):
    recorded = {line["input"]: line for line in RESULTS["cases"][name]["lines"]}
    for line in again[name]["lines"]:
        for who, figure in line["figures"].items():
            assert same(figure, recorded[line["input"]]["figures"][who]), (line["input"], who)
        for who, figure in ours(line["figures"]).items():
            if line["truth"] is not None:
                assert true(figure, line["truth"], who), who


@pytest.mark.slow
def test_a_peer_that_is_not_installed_is_said_to_be_not_run(again):
    missing = [who for case in again.values() for who in case["not_run"]]
    installed = [who for case in again.values() for line in case["lines"] for who in line["figures"]]
    assert not set(missing) & {"nonplus", "torchmetrics", "ignite"}
    assert {"nonplus", "torchmetrics", "ignite"} <= set(installed)


def true(figure, truth, who):
    """Within a millionth; a result of Keras is float32, so beyond that it is infinite,
    as the page says.
    """
    if who.startswith("nonplus.keras") and truth > 3.4028235e38:
        return figure == "inf"
    return float(figure) == pytest.approx(truth, rel=1e-6)


def same(one, other):
    """The same words, with numbers within a hundredth."""
    figures = [NUMBER.findall(str(figure)) for figure in (one, other)]
    words = [NUMBER.sub("#", str(figure)) for figure in (one, other)]
    return words[0] == words[1] and all(
        math.isclose(float(a), float(b), rel_tol=0.01) for a, b in zip(*figures, strict=True)
    )
