"""After Ctrl-C, SIGTERM or SIGHUP the measured part is reported; after a kill no file
is half written.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Any, BinaryIO

import pytest

from nonplus.cli.terminal.interruption import Interruption, stopping

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


def followed(texts: Iterator[str], *, press_after: str = "", times: int = 1, number: int = signal.SIGINT) -> list[str]:
    """The texts that arrive before KeyboardInterrupt; Ctrl-C is pressed during one."""
    seen = []
    with suppress(KeyboardInterrupt):
        for text in texts:
            for _ in range(times if text == press_after else 0):
                signal.raise_signal(number)
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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_that_comes_twice_is_one(number):
    with Interruption() as interruption:
        texts = interruption.items(numbered(9, ["half of 1"]))
        assert followed(texts, press_after="text 0", times=2, number=number) == ["text 0", "half of 1"]
    assert interruption.stop is not None
    assert (interruption.stop.by, interruption.stop.code) == (signal.Signals(number).name, 128 + number)


def pressed_at(step: int, pressed: list[int]) -> Any:
    """A tracer that presses Ctrl-C at one step of the code that asks for an item."""
    steps = iter(range(1000))

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.endswith("interruption.py") or frame.f_code.co_name not in ("items", "_next"):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and next(steps) == step:
            pressed.append(step)
            signal.raise_signal(signal.SIGINT)
        return trace

    return trace


def test_ctrl_c_at_any_moment_loses_nothing_that_is_under_way():
    before, pressed = sys.gettrace(), []
    for step in range(200):
        with Interruption() as interruption:
            texts = interruption.items(numbered(99, ["half of 1"]))
            next(texts)  # under way
            sys.settrace(pressed_at(step, pressed))
            try:
                seen = followed(texts)
            finally:
                sys.settrace(before)
        assert seen[-1] == "half of 1"
    assert pressed == list(range(200))


@pytest.mark.parametrize("entered", [Interruption, stopping])
def test_afterwards_the_old_handlers_are_back(entered):
    numbers = [signal.SIGINT, signal.SIGTERM]
    before = [signal.getsignal(number) for number in numbers]
    with entered():
        assert all(signal.getsignal(number) not in before for number in numbers)
    assert [signal.getsignal(number) for number in numbers] == before


@pytest.mark.parametrize("entered", [Interruption, stopping])
def test_a_signal_that_is_ignored_stays_ignored(entered):
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with entered():
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


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


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)] if sys.platform != "win32" else []


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_signal_prints_what_was_measured_and_keeps_the_finished_rows(start, long_text, tmp_path, number, status):
    rows, resume = tmp_path / "rows.jsonl", tmp_path / "resume"
    process = start("score", long_text, "--json", "--per-token", rows, *SMALL, "--resume", resume)
    begun(process, resume)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    printed = json.loads(out)
    assert process.returncode == status
    assert printed["interrupted"] is True
    assert printed["tokens"] > 0
    assert printed["spread_within_text"]["low"] < printed["perplexity"] < printed["spread_within_text"]["high"]
    assert "Traceback" not in err
    written = [json.loads(line) for line in rows.read_text().splitlines()]
    assert sum(row["nats"] is not None for row in written) == printed["tokens"]
    assert unfinished(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize(("number", "by"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_the_table_says_what_interrupted_it_and_the_text_ends_where_it_was_scored(
    start, long_text, tmp_path, number, by
):
    resume = tmp_path / "resume"
    process = start("score", long_text, *SMALL, "--resume", resume, "--show")
    begun(process, resume)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert f"interrupted      by {by}; the figures are of the tokens scored until then" in out
    assert out.count("\n       -  '") <= 1
    assert " tokens not scored)" in out


@pytest.mark.slow
def test_a_run_that_ignores_ctrl_c_as_in_the_background_goes_on(start, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ignoring = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    process = start("score", pipe, "--model", "uniform:256", "--json", **ignoring)
    with writing(pipe, process) as file:
        process.send_signal(signal.SIGINT)
        file.write(b"abc")
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["interrupted"]) == (0, False)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="terminals of Unix")
def test_when_the_terminal_is_closed_the_rows_of_what_is_finished_stay(start, long_text, tmp_path):
    rows, resume = tmp_path / "rows.jsonl", tmp_path / "resume"
    screen, terminal = os.openpty()
    options = ("--per-token", rows, *SMALL, "--resume", resume)
    process = start("score", long_text, *options, stdout=terminal, stderr=terminal, env=os.environ | {"TERM": "xterm"})
    os.close(terminal)
    begun(process, resume)
    os.close(screen)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 129
    assert any(json.loads(line)["nats"] for line in rows.read_text().splitlines())
    assert unfinished(tmp_path) == []


def test_in_another_thread_there_are_no_signals_to_wait_for():
    seen = []

    def run() -> None:
        with stopping(), Interruption() as interruption:
            seen.extend(interruption.items(numbered(2, [])))

    thread = Thread(target=run)
    thread.start()
    thread.join(30)
    assert seen == ["text 0", "text 1"]


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
    assert len(unfinished(tmp_path)) == 2
    assert start("score", "abc", "--model", "uniform:256", "--html", page).wait(60) == 0
    assert unfinished(tmp_path) == []


def unfinished(folder: Path) -> list[Path]:
    return sorted(folder.glob(".*.part"))


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
@pytest.mark.parametrize(("number", "by"), [(2, "Ctrl-C"), (15, "SIGTERM"), (1, "SIGHUP")])
def test_before_anything_is_measured_there_is_nothing_to_report(start, tmp_path, number, by):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = start("score", pipe, "--model", "uniform:256", "--html", tmp_path / "page.html")
    with writing(pipe, process):
        time.sleep(0.5)  # Python would notice a signal just before the call of read only after it
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (128 + number, "")
    assert err.lstrip() == f"error: interrupted by {by} before there was a report\n"
    assert list(tmp_path.iterdir()) == [pipe]
