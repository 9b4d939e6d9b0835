"""Promises of the code base: fast to import, layered, and tied to no machine."""

import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from import_graph import imported, imports, modules, third_parties

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "nonplus"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

HEAVY = {"torch", "transformers", "accelerate", "peft", "datasets", "pyarrow", "zstandard", "click", "rich"}
DRAWERS = {"utils", "helpers", "common", "misc"}
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|opt|home|Users)/")
REGISTRY = re.compile(r"\b(?:pypi\.org|pythonhosted\.org|download\.pytorch\.org)\b")


def modules_after(statement: str) -> set[str]:
    script = f"import sys\n{statement}\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def tracked_files() -> list[Path]:
    """Every file that is tracked, or would be after ``git add``."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so what is tracked is unknown")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listing.split("\0") if name]
    return [path for path in paths if path.is_file() and path.name != "tokenizer.json"]


def lines_that_match(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        lines = enumerate(text.splitlines(), 1)
        found += [f"{path.relative_to(ROOT)}:{number}" for number, line in lines if pattern.search(line)]
    return found


def test_importing_nonplus_loads_nothing_heavy():
    assert not HEAVY & modules_after("import nonplus")


def test_importing_nonplus_adds_few_modules_to_numpy():
    assert len(modules_after("import nonplus") - modules_after("import numpy")) <= 150


def blocks_of_contributing() -> list[list[str]]:
    """The lines of each fenced block."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return [block.strip("\n").splitlines() for block in text.split("```")[1::2]]


def test_the_picture_of_the_floors_is_the_contract_of_the_linter():
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    assert contracts[0]["layers"] in blocks_of_contributing()


def test_the_tree_shows_every_folder_and_every_file_beside_them():
    (tree,) = (block for block in blocks_of_contributing() if block[0] == "src/nonplus/")
    shown = {line.split()[0].rstrip("/") for line in tree[1:]}
    folders = {path.parent for path in SOURCE.rglob("*.py")} - {SOURCE}
    built = {folder.name for folder in folders} | {path.name for path in SOURCE.glob("*.py")}
    assert shown - {"bundled"} == built


def test_a_third_party_is_imported_by_its_owners_only():
    owners = defaultdict(list)
    for module, dotted in imports().items():
        for package in third_parties(dotted):
            owners[package].append(module.removeprefix("nonplus."))
    assert owners == PROJECT["tool"]["nonplus"]["owners"]


def test_there_is_no_import_circle():
    ours = modules()
    TopologicalSorter({module: dotted & ours.keys() for module, dotted in imports().items()}).prepare()


@pytest.mark.parametrize(
    ("line", "module"),
    [
        ("import jax.numpy as jnp", "jax.numpy"),
        ("from jax import lax", "jax"),
        ("from nonplus.kernels import dispatch", "nonplus.kernels.dispatch"),
        ("from nonplus.models import open_model", "nonplus.models"),
        ("importlib.import_module('jax')", "jax"),
        ("import_module('jax')", "jax"),
        ("__import__('jax')", "jax"),
        ("require('pyarrow.parquet', purpose='reading')", "pyarrow.parquet"),
        ("importlib.import_module(TABLE[name])", "nonplus.api"),
        ("opener(CORPORA, scheme)", "nonplus.corpora.parquet"),
    ],
)
def test_an_import_is_found_inside_a_function_and_by_name(line, module):
    source = f"TABLE = {{'evaluate': 'nonplus.api'}}\ndef function(name, scheme):\n    {line}\n"
    assert module in imported(source, "nonplus.example", modules())


@pytest.mark.parametrize("argument", ["name", "f'nonplus.{name}'", "f'nonplus.{SHORT[name]}'"])
def test_an_import_by_a_name_that_no_table_spells_out_is_refused(argument):
    source = f"SHORT = {{'evaluate': 'api'}}\ndef function(name):\n    importlib.import_module({argument})\n"
    with pytest.raises(ValueError, match=r"nonplus\.example, line 3: spell out"):
        imported(source, "nonplus.example", modules())


def test_every_extra_named_in_code_or_documentation_exists():
    named = set()
    for path in [*SOURCE.rglob("*.py"), *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for extras in re.findall(r"nonplus\[([\w,-]+)\]", path.read_text(encoding="utf-8")):
            named |= set(extras.split(","))
    assert named <= set(PROJECT["project"]["optional-dependencies"])


def test_every_changelog_fragment_has_a_name_and_a_known_type():
    types = "|".join(kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"])
    fragment = re.compile(rf"(?:\d+|\+[a-z0-9-]+)\.(?:{types})\.md")
    names = {path.name for path in (ROOT / "changelog.d").iterdir()} - {"README.md"}
    assert not [name for name in names if not fragment.fullmatch(name)]


def test_no_file_names_a_path_of_one_machine():
    assert not lines_that_match(MACHINE_PATH)


def test_no_file_names_a_package_registry():
    assert not lines_that_match(REGISTRY)


def test_no_module_is_longer_than_400_lines():
    long = [path for path in SOURCE.rglob("*.py") if path.read_bytes().count(b"\n") > 400]
    assert not long


def test_no_module_has_a_name_like_utils():
    modules = [*SOURCE.rglob("*.py"), *ROOT.glob("tests/**/*.py")]
    assert not [path for path in modules if DRAWERS & set(path.stem.split("_"))]
