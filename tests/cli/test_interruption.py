"""After Ctrl-C the measured part is reported; after a kill no file is half written."""

import json
import os
import signal
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pytest

from nonplus.cli.terminal.interruption import Interruption

SMALL = ("--budget", 64, "--window", 64)  # batches that take no time


def numbered(count: int, partial: list[str]) -> Generator[str, None, None]:
    """Texts; when interrupted, those that are under way."""
    try:
        for number in range(count):
            yield f"text {number}"
    except KeyboardInterrupt:
        yield from partial
        raise


def test_without_an_interruption_every_text_comes_through():
    with Interruption() as interruption:
        assert list(interruption.items(numbered(3, []))) == ["text 0", "text 1", "text 2"]


def followed(texts: Iterator[str], *, press_after: str = "", times: int = 1) -> list[str]:
    """The texts that arrive before KeyboardInterrupt; Ctrl-C is pressed during one."""
    seen = []
    with suppress(KeyboardInterrupt):
        for text in texts:
            for _ in range(times if text == press_after else 0):
                signal.raise_signal(signal.SIGINT)
            seen.append(text)  # reached although Ctrl-C came before
        pytest.fail("the run was not interrupted")
    return seen


def test_ctrl_c_while_a_text_is_written_waits_and_then_the_texts_under_way_come():
    with Interruption() as interruption:
        texts = interruption.items(numbered(9, ["half of 1", "half of 2"]))
        assert followed(texts, press_after="text 0") == ["text 0", "half of 1", "half of 2"]


def test_ctrl_c_while_the_source_runs_reaches_it():
    def running() -> Generator[str, None, None]:
        try:
            yield "text 0"
            signal.raise_signal(signal.SIGINT)
            yield "never"
        except KeyboardInterrupt:
            yield "half of 1"
            yield "half of 2"
            raise

    with Interruption() as interruption:
        assert followed(interruption.items(running())) == ["text 0", "half of 1", "half of 2"]


def test_a_second_ctrl_c_ends_the_run_at_once():
    with Interruption() as interruption:
        assert followed(interruption.items(numbered(9, [])), press_after="text 0", times=2) == []


def test_afterwards_the_old_handler_of_ctrl_c_is_back():
    before = signal.getsignal(signal.SIGINT)
    with Interruption():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


@pytest.fixture
def long_text(tmp_path: Path) -> Path:
    """More than the bundled model scores before a test interrupts it."""
    path = tmp_path / "long.txt"
    path.write_text("".join(f"On day {day} the river rose by {day % 7} feet.\n" for day in range(5_000)))
    return path


def begun(process, resume: Path, *, within: float = 60) -> None:
    """Wait until two batches are kept: then at least one is counted."""
    deadline, sizes = time.monotonic() + within, set[int]()
    while time.monotonic() < deadline and process.poll() is None:
        sizes |= {file.stat().st_size for file in resume.glob("*.answers")} - {0}
        if len(sizes) > 1:
            return
        time.sleep(0.02)
    process.kill()
    pytest.fail(f"no batch was kept: {process.communicate()}")


@pytest.mark.slow
def test_ctrl_c_prints_what_was_measured_and_keeps_the_finished_rows(start, long_text, tmp_path):
    rows, resume = tmp_path / "rows.jsonl", tmp_path / "resume"
    process = start("score", long_text, "--json", "--per-token", rows, *SMALL, "--resume", resume)
    begun(process, resume)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    printed = json.loads(out)
    assert process.returncode == 130
    assert printed["interrupted"] is True
    assert printed["tokens"] > 0
    assert printed["interval"]["low"] < printed["perplexity"] < printed["interval"]["high"]
    assert "Traceback" not in err
    written = [json.loads(line) for line in rows.read_text().splitlines()]
    assert sum(row["nats"] is not None for row in written) == printed["tokens"]


@pytest.mark.slow
def test_the_table_says_that_it_was_interrupted(start, long_text, tmp_path):
    resume = tmp_path / "resume"
    process = start("score", long_text, *SMALL, "--resume", resume)
    begun(process, resume)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted      by Ctrl-C" in out


@pytest.mark.slow
def test_a_kill_leaves_no_half_written_file_under_its_name(start, long_text, tmp_path):
    rows, page, resume = tmp_path / "rows.jsonl", tmp_path / "page.html", tmp_path / "resume"
    rows.write_text("old")
    process = start("score", long_text, "--per-token", rows, "--html", page, *SMALL, "--resume", resume)
    begun(process, resume)
    process.kill()
    process.communicate()
    assert rows.read_text() == "old"
    assert not page.exists()


def writing(pipe: Path, process, *, within: float = 60) -> BinaryIO:
    """The pipe, open for writing, as soon as the process reads from it."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):  # nobody reads yet
            return open(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK), "wb")
        time.sleep(0.02)
    process.kill()
    pytest.fail(f"the pipe was never read: {process.communicate()}")


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes are of Unix")
def test_before_anything_is_measured_there_is_nothing_to_report(start, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = start("score", pipe, "--model", "uniform:256")
    with writing(pipe, process):
        time.sleep(0.5)  # Python would notice a signal just before the call of read only after it
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "interrupted before there was anything to report" in err
