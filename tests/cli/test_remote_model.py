"""A model of a server on the command line: scored, killed, gone on with, and every
wrong name answered by one sentence.
"""

import json
import os
import signal
import threading
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("urllib3", reason="servers are asked by it")

from command_lines import Run, Start
from completions_server import serving

KEY = "sk-not-to-be-seen"
PROBE = 13  # requests before anything is scored
LINE = "This is a line of a text that is sent to a server. " * 18


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{n:02} {LINE}\n" for n in range(40)))
    return path


def test_a_file_is_scored_as_the_model_here_scores_it(run: Run, fox: Path):
    with serving() as server:
        there = run("score", fox, "--model", server.windows, "--window", 512, "--json").object
    here = run("score", fox, "--model", "tiny", "--window", 512, "--json").object
    assert there["perplexity"] == pytest.approx(here["perplexity"], rel=1e-5)
    assert there["model"] == f"tiny at {server.url}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "options", "kept"),
    [
        ("windows", ("--budget", 16), 20),  # a window in a batch
        ("name", (), -(-(1 << 14) // len(LINE))),  # of texts, the first 16,384 characters
    ],
)
def test_a_run_that_was_killed_asks_for_nothing_twice_that_was_kept(
    start: Start, tmp_path: Path, lines: Path, form: str, options: tuple[object, ...], kept: int
):
    with serving(gate=threading.Event(), free=PROBE + 20) as server:
        arguments = ("score", f"lines:{lines}", "-m", getattr(server, form), *options, "--resume", tmp_path, "--json")
        killed = start(*arguments)
        assert server.at_gate.wait(60)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        first = {str(asked.prompt) for asked in server.answered[PROBE:]}
        assert len(first) >= kept
        assert server.gate is not None
        server.gate.set()
        again = start(*arguments)
        out, err = again.communicate(timeout=120)
        assert again.returncode == 0, err
        times = Counter(str(asked.prompt) for asked in server.asked)
    assert json.loads(out)["documents"] == 40
    assert sum(times[prompt] == 1 for prompt in first) == kept


def test_ctrl_c_ends_a_run_whose_server_does_not_answer(start: Start, fox: Path):
    with serving(gate=threading.Event(), free=PROBE) as server:
        process = start("score", fox, "--model", server.windows)
        assert server.at_gate.wait(60)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_doctor_checks_a_model_of_a_server(run: Run):
    with serving() as server:
        ran = run("doctor", "--model", server.windows)
    assert ran.code == 0
    assert f"{server.windows.partition(',')[0]},… passes all" in ran.out


def test_a_key_is_in_no_output(run: Run, fox: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(key=KEY) as server:
        table, kept = tmp_path / "t.jsonl", tmp_path / "kept"
        ran = run("score", fox, "-m", server.name, "--json", "--per-token", table, "--resume", kept)
        assert ran.code == 0
        server.key = "another"
        refused = run("score", fox, "-m", server.name)
    assert refused.code == 2
    assert "check the key in the environment variable OPENAI_API_KEY" in refused.err
    written = table.read_bytes() + b"".join(file.read_bytes() for file in kept.iterdir())
    assert KEY not in ran.out + ran.err + refused.out + refused.err
    assert KEY.encode() not in written


@pytest.mark.parametrize(
    ("ending", "says"),
    [
        ("#tinny", "has no model 'tinny'; write one after the #, of tiny; did you mean tiny"),
        ("", "is named without a model; write one after the #, of tiny"),
        ("/x#tiny", "has nothing there (404: Not Found)"),
    ],
)
def test_a_wrong_name_is_answered_by_one_sentence(run: Run, fox: Path, ending: str, says: str):
    with serving() as server:
        ran = run("score", fox, "--model", f"openai:{server.url}{ending}")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_what_a_server_says_does_nothing_to_the_terminal(run: Run, fox: Path):
    with serving() as server:
        server.faults.append(lambda handler: handler.send(400, {"error": {"message": "\x1b[2J\x07 gone\r"}}))
        ran = run("score", fox, "--model", server.name)
    assert "\x1b" not in ran.err
    assert os.linesep not in ran.err[:-1]


def test_a_page_of_a_model_without_alternatives_takes_the_option_that_the_message_names(
    run: Run, fox: Path, tmp_path: Path
):
    with serving() as server:
        page = ("score", fox, "--html", tmp_path / "page.html", "--model", server.name)
        refused = run(*page)
        assert refused.err.endswith("there are no alternatives to read; use --alternatives 0\n")
        assert run(*page, "--alternatives", 0).code == 0
