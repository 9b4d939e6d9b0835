"""Workers that share a corpus give the figures of one process, to the bit."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

WORDS = ["house", "stands", "hill", "and", "she", "read", "it", "twice", "because", "three", "days", "in", "May"]
CHANGING = {"seconds", "tokens_per_second"}


@pytest.fixture
def corpus(tmp_path, monkeypatch) -> Path:
    """Files of different sizes, one of several units and one without a document."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus").mkdir()
    wanted = random.Random(5)
    for name, documents in (("a", 900), ("b", 3), ("c", 0), ("d", 60)):
        rows = []
        for number in range(documents):
            text = " ".join(wanted.choices(WORDS, k=wanted.randrange(1, 700))) if number % 9 else ""
            rows.append(json.dumps({"text": text, "from": "xy"[number % 2]}))
        rows[7:7] = ['{"text": 3}', "{not json"] if documents > 10 else []
        (tmp_path / "corpus" / f"{name}.jsonl").write_text("".join(f"{row}\n" for row in rows))
    return tmp_path / "corpus"


def figures(ran) -> dict:
    assert ran.code == 0, ran.err
    return {name: value for name, value in ran.object.items() if name not in CHANGING}


COMMON = ("-m", "bundled:ngram", "--domain-field", "from", "--on-bad-row", "skip", "--by-position", "--json")


def test_the_figures_are_those_of_one_process(run, corpus):
    alone = figures(run("score", "corpus", *COMMON))
    assert alone["documents"] == 855
    assert alone["skipped_documents"] == 108
    assert alone["rejected_rows"] == 4
    for workers in (1, 2):
        shared = run("score", "corpus", *COMMON, "--workers", workers, "--resume", f"kept{workers}")
        assert figures(shared) == alone
    assert figures(run("score", "corpus", *COMMON, "--workers", 3, "--resume", "kept1")) == alone


@pytest.mark.slow
def test_so_are_those_of_a_job_that_is_killed_and_goes_on_in_a_cluster(run, corpus):
    pytest.importorskip("ray", reason="the ray extra")
    alone = figures(run("score", "corpus", *COMMON))
    shared = ("score", "corpus", *COMMON, "--resume", "kept")
    command = [sys.executable, "-m", "nonplus.cli", *shared, "--workers", "1"]
    job = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    while not list(Path("kept").glob("units/*/*")):
        assert job.poll() is None
        time.sleep(0.01)
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    finished = len(list(Path("kept").glob("units/*/*")))
    assert figures(run(*shared, "--workers", 2, "--engine", "ray")) == alone
    assert len(list(Path("kept").glob("units/*/*"))) > finished


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "number", "name"),
    [("local", signal.SIGINT, "Ctrl-C"), ("local", signal.SIGTERM, "SIGTERM"), ("ray", signal.SIGTERM, "SIGTERM")],
)
def test_a_signal_ends_a_run_and_its_workers_and_the_same_command_goes_on(run, corpus, engine, number, name):
    if engine == "ray":
        pytest.importorskip("ray", reason="the ray extra")
    for copy in range(5):
        (corpus / f"e{copy}.jsonl").write_text((corpus / "a.jsonl").read_text())
    shared = ("score", "corpus", *COMMON, "--resume", "kept", "--workers", "2")
    command = [sys.executable, "-m", "nonplus.cli", *shared, "--engine", engine]
    job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not list(Path("kept").glob("units/*/*")):
        assert job.poll() is None
        time.sleep(0.01)
    job.send_signal(number)
    out, err = job.communicate(timeout=60)  # until the last process that has its stderr ends
    assert (job.returncode, out) == (128 + number, "")
    assert f"stopped by {name}; what is finished is in kept, and the same command goes on from there" in err
    assert run(*shared).code == 0


def test_what_is_finished_is_not_computed_again(run, corpus, monkeypatch):
    shared = ("score", "corpus", *COMMON, "--workers", 1, "--resume", "kept")
    first = figures(run(*shared))
    before = {path: path.stat().st_mtime_ns for path in Path("kept").rglob("*.json")}
    assert figures(run(*shared)) == first
    assert {path: path.stat().st_mtime_ns for path in Path("kept").rglob("*.json")} == before


def test_another_corpus_or_model_is_refused_by_its_first_difference(run, corpus):
    shared = ("score", "corpus/b.jsonl", "--workers", 1, "--resume", "kept")
    assert run(*shared, "-m", "bundled:ngram").code == 0
    other = run(*shared, "-m", "uniform:256")
    assert (other.code, "and is to go on with --model uniform:256" in other.err) == (2, True)
    with open("corpus/b.jsonl", "a") as file:
        file.write('{"text": "one more"}\n')
    changed = run(*shared, "-m", "bundled:ngram")
    assert (changed.code, "has changed (" in changed.err) == (2, True)


def test_sums_that_are_damaged_are_named(run, corpus):
    shared = ("score", "corpus/b.jsonl", "-m", "bundled:ngram", "--workers", 1, "--resume", "kept")
    assert run(*shared).code == 0
    Path("kept/sums/000000-000000.json").write_text("{}")
    damaged = run(*shared)
    assert damaged.code == 2
    assert "sums/000000-000000.json has changed since its unit was finished" in damaged.err


def test_a_corpus_without_text_is_explained(run, corpus):
    empty = run("score", "corpus/c.jsonl", "--workers", 1, "--resume", "kept", "-m", "bundled:ngram")
    assert (empty.code, "there is no text" in empty.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--workers 2 keep their sums in a folder; add --resume FOLDER"),
        (("--resume", "kept", "-p", "stride:512"), ""),
        (("--resume", "kept", "-p", "gptq:1024"), "joins all documents into one, which workers cannot share"),
        (("--resume", "kept", "--limit", "5"), "--limit 5 is of documents in order or of their tokens"),
        (("--resume", "kept", "--until", "1%"), "--until 0.01 is of documents in order"),
        (("--resume", "kept", "--bootstrap", "100"), "--bootstrap 100 is of documents in order"),
        (("--resume", "kept", "--show"), "--show is of documents in order"),
        (("--resume", "kept", "--html", "p.html"), "--html p.html is of documents in order"),
        (("--resume", "kept", "--per-document", "d.jsonl"), "--per-document d.jsonl is of documents in order"),
        (("--resume", "kept", "--gpus", "1"), "--gpus 1"),
    ],
)
def test_what_workers_cannot_do_is_refused(run, corpus, options, message):
    ran = run("score", "corpus/b.jsonl", "-m", "uniform:256", "--workers", 2, *options)
    assert (ran.code == 2) == bool(message), ran.err
    assert message in " ".join(ran.err.split())


def test_standard_input_is_refused(run, corpus):
    ran = run("score", "-", "--workers", 2, "--resume", "kept", "-m", "uniform:256")
    assert (ran.code, "cannot share standard input" in " ".join(ran.err.split())) == (2, True)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (("--model", "uniform:7"), "it was begun with --model uniform:256, and is to go on with --model uniform:7"),
        (("--field", "body"), "it was begun with --field text, and is to go on with --field body"),
        (("--stride", "5"), "the protocol is another now than when it was begun"),
    ],
)
def test_another_option_is_refused_as_it_was_typed(run, tmp_path, other, said):
    (tmp_path / "c.jsonl").write_text('{"text": "It was a fine day.", "body": "It rained."}\n')
    shared = ("score", tmp_path / "c.jsonl", "--workers", "1", "--resume", tmp_path / "kept")
    assert run(*shared, "--model", "uniform:256").code == 0
    refused = run(*shared, *(() if other[0] == "--model" else ("--model", "uniform:256")), *other)
    assert f"{tmp_path}/kept has parts of another job: {said}; go on with what" in refused.err
