"""The benchmarks run from end to end; what they measure is no test's business."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "score.py"

pytestmark = [pytest.mark.slow, pytest.mark.peers]


@pytest.fixture(scope="module")
def figures(data, tmp_path_factory):
    pytest.importorskip("torch")
    file = tmp_path_factory.mktemp("benchmark") / "figures.json"
    command = [sys.executable, SCRIPT, "--quick", "--json", file]
    subprocess.run(command, check=True, env={**os.environ, "NONPLUS_DATA": str(data)})
    return json.loads(file.read_text())


@pytest.mark.parametrize("workload", ["lines", "paragraphs", "long", "bundled"])
def test_all_contestants_score_the_same_tokens(figures, workload):
    contestants = figures[workload]["contestants"]
    assert len(contestants) > 1
    assert all(each["nats_off"] < 1e-6 and each["tokens_per_second"] > 0 for each in contestants)


def test_peak_memory_is_read_for_each_contestant(figures):
    nats = [each["nats"] for each in figures["memory"].values()]
    assert nats == pytest.approx([nats[0]] * 3, rel=1e-6)
    assert all(each["peak_mb"] > 0 for each in figures["memory"].values())


def test_a_cold_start_is_timed(figures):
    assert figures["cold start"] > 0


def test_all_ways_to_a_surprisal_are_timed_and_ours_is_right(tmp_path):
    pytest.importorskip("torch")
    file = tmp_path / "figures.json"
    command = [sys.executable, SCRIPT.with_name("kernel.py"), "--quick", "--json", file]
    subprocess.run(command, check=True)
    figures = json.loads(file.read_text())
    for name, ways in figures.items():
        if name != "settings":
            assert all(way["seconds"] > 0 for way in ways.values())
            ours = next(way for which, way in ways.items() if which.startswith("nonplus"))
            assert ours["error"] < (2e-2 if name == "head bfloat16" else 2e-6)


def test_the_engine_is_timed_on_short_and_long_texts():
    command = [sys.executable, SCRIPT.with_name("engine.py"), "--quick"]
    lines = subprocess.check_output(command, text=True).splitlines()
    timed = [line.removesuffix(" MB/CPU s").split(": ") for line in lines if line.endswith(" MB/CPU s")]
    of_models = [name for *name, _ in timed if "JSON Lines" in name[-1] or "in memory" in name[-1]]
    assert len(of_models) == 10
    assert min(float(rate) for *_, rate in timed) > 0


def test_the_coverage_of_intervals_is_measured_for_every_design(data, tmp_path):
    file = tmp_path / "figures.json"
    command = [sys.executable, SCRIPT.with_name("intervals.py"), "--quick", "--json", file]
    environment = {**os.environ, "NONPLUS_DATA": str(data), "TMPDIR": str(tmp_path)}
    subprocess.run(command, check=True, env=environment)
    rows = json.loads(file.read_text())
    assert all(0 <= row["covered"] <= 100 for row in rows)
    designs = " ".join(row["design"] for row in rows)
    for name in ("LAMBADA", "MASC documents, n = 100", "50 times", "until 5%", "mean of texts", "within one text"):
        assert name in designs


def test_ngram_models_are_timed_beside_kenlm_with_the_same_nats():
    pytest.importorskip("kenlm")
    command = [sys.executable, SCRIPT.with_name("ngram.py"), "--quick"]
    printed = subprocess.check_output(command, text=True)  # it compares the nats itself
    for name in ("training", "nonplus, bundle", "kenlm, score", "text to nats", "two threads"):
        assert name in printed


def test_reading_and_writing_records_is_timed():
    pytest.importorskip("zstandard")
    command = [sys.executable, SCRIPT.with_name("records.py"), "--quick"]
    lines = subprocess.check_output(command, text=True).splitlines()
    assert len(lines) == 12
    assert all("read and write" in line and line.endswith(" MB/CPU s") for line in lines)


def test_the_study_of_the_filter_counts_every_kind_of_text(data, tmp_path):
    if shutil.which("man") is None:
        pytest.skip("there is no man, which shows manual pages")
    command = [sys.executable, SCRIPT.with_name("filter_study.py"), tmp_path / "figures.jsonl", "--count", "1"]
    printed = subprocess.check_output(command, text=True, env={**os.environ, "NONPLUS_DATA": str(data)})
    drops, areas = (printed.partition(f"| kind | {title}")[2].partition("| system")[0] for title in ("texts", "AUC"))
    for kind in ("edited prose", "manual pages", "spam", "base64", "other languages"):
        assert f"\n| {kind} | " in drops
    assert "| all junk | " in areas
    assert printed.count("%") > 40
