"""A scoring by n-grams that is killed again and again: it goes on, to the same bits."""

import json
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command_lines import Run, Start

from nonplus.measure.tokenizing import AHEAD

BOOK = Path(__file__).parents[2] / "examples" / "lost_world.txt"
TOGETHER = 5  # documents that are scored, and kept, together
LENGTH = AHEAD // TOGETHER + 1  # characters of a document
HEAD = struct.Struct("<4sII")  # of a record: magic, length of its body, checksum
SPEED = ("seconds", "tokens_per_second")


@pytest.fixture(scope="module")
def rows() -> list[str]:
    """Documents in the words of a book and some that are in none."""
    draw, words = random.Random(11), [*BOOK.read_text().split(), "zzyzx", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"]

    def document(number: int) -> str:
        lines = "".join(f"{' '.join(draw.choices(words, k=12))}\n" for _ in range(LENGTH // 50))
        return json.dumps({"text": lines[:LENGTH].ljust(LENGTH, "."), "domain": str(number % 3)})

    return [f"{document(number)}\n" for number in range(4 * TOGETHER + 2)]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("normalizer", ["standard", "ccnet"])
def test_a_scoring_killed_at_several_moments_ends_as_an_unbroken_one(
    run: Run, start: Start, rows: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, normalizer: str
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as many batches are scored ahead as there are threads
    model = tmp_path / "model"
    assert run("ngram", "train", BOOK, "-o", model, "--order", 3, "--normalizer", normalizer).code == 0

    def begun(name: str, *options: object) -> subprocess.Popen[str]:
        shown = ["--domain-field", "domain", "--json", "--per-document", tmp_path / f"{name}.jsonl"]
        return start("score", "jsonl:-", "--model", f"ngram:{model}", *shown, *options, stdin=subprocess.PIPE)

    unbroken = _result(begun("unbroken"), rows)
    for given in (2, 2 * TOGETHER + 1, 2 * TOGETHER + 1, 4 * TOGETHER + 1):
        process = begun("killed", "--resume", tmp_path / "kept")
        _give(process, rows[:given])  # more is to come, so that it cannot end
        _wait_for(tmp_path / "kept", given // TOGETHER - 1)  # a thread has one more
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert not (tmp_path / "killed.jsonl").exists()
    assert _result(begun("killed", "--resume", tmp_path / "kept"), rows) == unbroken
    assert (tmp_path / "killed.jsonl").read_bytes() == (tmp_path / "unbroken.jsonl").read_bytes()
    assert _kept(tmp_path / "kept") == 5  # nothing was scored twice


def _give(process: subprocess.Popen[str], rows: list[str]) -> None:
    assert process.stdin is not None
    process.stdin.writelines(rows)
    process.stdin.flush()


def _result(process: subprocess.Popen[str], rows: list[str]) -> dict[str, Any]:
    out, err = process.communicate("".join(rows))
    assert process.returncode == 0, err
    return {name: value for name, value in json.loads(out).items() if name not in SPEED}


def _kept(folder: Path) -> int:
    """How many whole records of scores there are, each of documents scored together; a
    kill may tear the last one of a file.
    """
    return sum(_records(path.read_bytes()) for path in folder.glob("*.answers"))


def _records(content: bytes) -> int:
    count = 0
    while len(content) >= HEAD.size:
        _, length, _ = HEAD.unpack_from(content)
        content = content[HEAD.size :]
        count += length <= len(content)
        content = content[length:]
    return count


def _wait_for(folder: Path, records: int) -> None:
    """Until there are so many."""
    deadline = time.monotonic() + 60
    while _kept(folder) < records:
        assert time.monotonic() < deadline, "the scores were never kept"
        time.sleep(0.01)
