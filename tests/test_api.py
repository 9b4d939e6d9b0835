"""The public surface: flat, lazy, and as documented."""

import subprocess
import sys
from pathlib import Path

import pytest

import nonplus


def test_every_public_name_is_there_and_documented() -> None:
    for name in nonplus.__all__:
        assert getattr(nonplus, name).__doc__ or isinstance(getattr(nonplus, name), dict), name
    assert sorted(nonplus.__all__) == sorted(dir(nonplus))


def test_functions_stay_functions_once_their_modules_are_loaded() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import nonplus; nonplus.evaluate, nonplus.score, nonplus.perplexity\n"
            "import pkgutil, importlib\n"
            "names = [m.name for m in pkgutil.iter_modules(nonplus.__path__)]\n"
            "[importlib.import_module('nonplus.' + n) for n in names if n not in ('cli', 'doctor')]\n"
            "print(callable(nonplus.evaluate), callable(nonplus.score), callable(nonplus.perplexity))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["True", "True", "True"]


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'perplexitty'"):
        _ = nonplus.perplexitty  # type: ignore[attr-defined]


def test_text_documents_and_files_are_measured_alike(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("some text")
    ways = ("some text", nonplus.Document(text="some text"), ["some text"], path)
    assert len({nonplus.evaluate(way, model="uniform:").nats for way in ways}) == 1


def test_a_protocol_goes_by_name_or_by_choices() -> None:
    by_name = nonplus.evaluate("some text", model="uniform:", protocol="stride:3")
    by_choice = nonplus.evaluate("some text", model="uniform:", protocol=nonplus.Protocol(stride=3))
    assert by_name.rules.fingerprint == by_choice.rules.fingerprint


def test_scores_come_one_by_one() -> None:
    scored = nonplus.score(iter(["ab", "cd"]), model="uniform:")
    assert [len(each.nats) for each in scored] == [1, 1]
