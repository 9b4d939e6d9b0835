"""Fixtures of the command line: running it in this process, or in one of its own."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_lines import Ran, Run, Start

from nonplus.cli import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """``run("score", "text")`` in this process."""

    def run(*arguments: object) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def start() -> Iterator[Start]:
    """``start("score", "text")``: a process that ends with its test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "nonplus.cli", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, text=True, **{**pipes, **options}))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def fox(tmp_path: Path) -> Path:
    path = tmp_path / "fox.txt"
    path.write_text("The quick brown fox jumps over the lazy dog.\n")
    return path


@pytest.fixture
def verses(tmp_path: Path) -> Path:
    """Forty short lines, of which two are blank."""
    path = tmp_path / "verses.txt"
    path.write_text("".join(f"verse {n} is {n * n} words from the end\n" for n in range(38)) + "\n  \n")
    return path


@pytest.fixture(autouse=True)
def _no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
