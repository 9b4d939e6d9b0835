"""Optional packages and schemes are listed once, and loaded when they are needed."""

import importlib
import sys
import tomllib
from pathlib import Path

import pytest

from nonplus.errors import MissingExtra
from nonplus.optional import BASE, CORPORA, EXTRAS, MODELS, SCHEMES, is_scheme, opener, require, schemes

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FOR_DEVELOPERS = {"all", "peers", "loops", "recipe", "test", "dev"}
ENTRIES = [(group, scheme) for group, openers in SCHEMES.items() for scheme in openers]


def names(requirements: list[str]) -> tuple[str, ...]:
    return tuple(line.partition(">")[0] for line in requirements if "nonplus" not in line)


def test_the_table_of_extras_is_that_of_the_package():
    declared = PROJECT["optional-dependencies"]
    assert {extra: names(declared[extra]) for extra in declared.keys() - FOR_DEVELOPERS} == EXTRAS
    assert declared["all"] == [f"nonplus[{','.join(EXTRAS)}]"]
    assert names(PROJECT["dependencies"]) == BASE


@pytest.mark.parametrize(
    ("module", "extra"), [("torch", "hf"), ("datasets", "datasets"), ("pyarrow.parquet", "parquet")]
)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(module, extra, monkeypatch):
    package = module.partition(".")[0]
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        MissingExtra, match=rf"^a test needs {package}, which is not installed.*pip install 'nonplus\[{extra}\]'$"
    ):
        require(module, purpose="a test")


def test_a_package_that_a_module_of_ours_imports_is_named_too(monkeypatch):
    monkeypatch.delitem(sys.modules, "nonplus.kernels.backends.jax", raising=False)
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(MissingExtra, match=r"needs jax.*pip install 'nonplus\[jax\]'$"):
        require("nonplus.kernels.backends.jax", purpose="a test")


def test_a_module_that_no_extra_brings_stays_an_import_error():
    with pytest.raises(ModuleNotFoundError, match=r"nonplus\.nothing"):
        require("nonplus.nothing", purpose="a test")


@pytest.mark.parametrize(("group", "scheme"), ENTRIES)
def test_every_scheme_leads_to_an_opener_with_a_docstring(group, scheme):
    try:
        assert opener(group, scheme).__doc__
    except MissingExtra as missing:
        pytest.skip(str(missing))


def test_entry_points_are_read_for_unknown_schemes_only(monkeypatch):
    def read(**_: str) -> None:
        raise AssertionError("entry points were read")

    monkeypatch.setattr(importlib.import_module("importlib.metadata"), "entry_points", read)
    assert is_scheme(MODELS, "bundled")
    opener(CORPORA, "text")
    with pytest.raises(AssertionError):
        is_scheme(CORPORA, "unknown")


def test_a_scheme_of_another_package_does_not_replace_one_of_ours(tmp_path, monkeypatch):
    metadata = tmp_path / "other-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[nonplus.models]\nhf = other:opener\nnew = other:opener\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert schemes(MODELS) == [*SCHEMES[MODELS], "new"]
