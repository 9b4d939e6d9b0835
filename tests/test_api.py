"""The public names are flat, lazy and documented."""

import ast
import importlib
import inspect
import math
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import nonplus

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"
HOMES = nonplus._HOMES
ERRORS = {name for name, home in HOMES.items() if home == "nonplus.errors"}


def defined(module: str) -> set[str]:
    """The names that a module defines itself, so not those that it imports."""
    names = set()
    for statement in ast.parse(inspect.getsource(importlib.import_module(module))).body:
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize("name", nonplus.__all__)
def test_a_public_name_is_what_its_module_defines(name: str) -> None:
    value = getattr(nonplus, name)
    assert name in defined(HOMES[name])
    assert value is getattr(importlib.import_module(HOMES[name]), name)
    assert value.__doc__


def test_the_public_names_are_listed_alike_everywhere() -> None:
    typed = {}
    for block in ast.parse(inspect.getsource(nonplus)).body:
        if isinstance(block, ast.If):
            typed |= {alias.name: line.module for line in block.body for alias in line.names}
    assert nonplus.__all__ == [*HOMES]
    assert typed == HOMES
    assert dir(nonplus) == sorted(nonplus.__all__)


def test_the_reference_describes_the_public_names_and_no_others() -> None:
    python, errors = (REFERENCE / page for page in ("python.md", "errors.md"))
    described = re.findall(r"^### `(\w+)`$", python.read_text(encoding="utf-8"), re.MULTILINE)
    tabled = re.findall(r"^\| `(\w+)` \|", errors.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(described) == sorted({*HOMES} - ERRORS)
    assert sorted(tabled) == sorted(ERRORS)


def test_metrics_are_found_without_an_import_of_their_own() -> None:
    script = "import nonplus; print(nonplus.metrics.Perplexity.__module__)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "nonplus.metrics.perplexity\n"


def test_functions_stay_functions_once_their_modules_are_loaded() -> None:
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "import nonplus; nonplus.evaluate, nonplus.score, nonplus.perplexity\n"
            "import pkgutil, importlib\n"
            "names = [m.name for m in pkgutil.iter_modules(nonplus.__path__)]\n"
            "[importlib.import_module('nonplus.' + n) for n in names if n != 'cli']\n"
            "print(callable(nonplus.evaluate), callable(nonplus.score), callable(nonplus.perplexity))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["True", "True", "True"]


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'perplexitty'"):
        _ = nonplus.perplexitty  # type: ignore[attr-defined]


def test_text_documents_and_files_are_measured_alike(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("some text")
    forms = ("some text", nonplus.Document(text="some text"), ["some text"], path)
    assert len({nonplus.evaluate(form, model="uniform:").nats for form in forms}) == 1


def test_a_protocol_goes_by_name_or_by_choices() -> None:
    by_name = nonplus.evaluate("some text", model="uniform:", protocol="stride:3")
    by_choice = nonplus.evaluate("some text", model="uniform:", protocol=nonplus.Protocol(stride=3))
    assert by_name.protocol.fingerprint == by_choice.protocol.fingerprint


def test_scores_come_one_by_one() -> None:
    scored = nonplus.score(iter(["ab", "cd"]), model="uniform:")
    assert [len(each.nats) for each in scored] == [1, 1]


@pytest.mark.parametrize("wrong", [{"level": 95}, {"level": math.nan}, {"level": "95%"}, {"until": 2.0}])
def test_a_wrong_level_is_refused_before_a_model_is_opened(wrong: dict[str, object]) -> None:
    name = next(iter(wrong))
    with pytest.raises(nonplus.NonplusError, match=rf"{name}=0\.\d+ for"):
        nonplus.evaluate("a text", model="hf:no such model", **wrong)


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((REFERENCE.parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert nonplus.__version__ == project["version"]
