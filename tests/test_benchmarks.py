"""The benchmarks run from end to end; what they measure is no test's business."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nonplus

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
    rates = [line for line in lines if "read and write" in line]
    assert len(rates) == 12
    assert all(line.endswith(" MB/CPU s") for line in rates)
    assert [line for line in lines if line not in rates] == [line for line in lines if "compressed: gzip" in line]


@pytest.fixture(scope="module")
def study(data, tmp_path_factory):
    """The tables of the study of the filter, by their first head and how many they
    have; with short texts, and a small n-gram model in place of the neural one.
    """
    if shutil.which("man") is None:
        pytest.skip("there is no man, which shows manual pages")
    folder = tmp_path_factory.mktemp("study")
    tokenizer = SCRIPT.parent.parent / "src/nonplus/models/bundled/ngram/tokenizer.json"
    book = SCRIPT.parent.parent / "examples" / "lost_world.txt"
    nonplus.train_ngrams(book, folder / "second", options=nonplus.TrainingOptions(order=3, tokenizer=str(tokenizer)))
    sizes = ["--count", "17", "--size", "200", "--second", f"ngram:{folder / 'second'}"]
    command = [sys.executable, SCRIPT.with_name("filter_study.py"), folder / "texts", *sizes]
    printed = subprocess.check_output(command, text=True, env={**os.environ, "NONPLUS_DATA": str(data)})
    tables = [[line.strip("| ").split(" | ") for line in part.splitlines()] for part in printed.split("\n\n")[1:]]
    return {(head[0], len(head)): {name: cells for name, *cells in rows} for head, _, *rows in tables}


def test_the_study_of_the_filter_tells_junk_from_text(study):
    """No person can read the first kinds; 1 text of 20 may be lost in theory."""
    drops = study["kind", 10]
    for kind in ("random letters", "base64"):
        assert drops[kind] == ["17", drops[kind][1], *["100 %"] * 7]
    assert all(percent(part) < 20 for part in drops["edited prose"][2:])
    plain, guarded = (percent(drops["one line repeated"][column]) for column in (2, 3))
    assert plain < 50 < guarded


def test_the_study_of_the_filter_has_an_interval_of_every_figure_about_it(study):
    for table in (study["system", 5], study["AUC", 4], study["good text lost", 4]):
        for figure in (cell for cells in table.values() for cell in cells):
            value, low, high = (float(each) for each in re.findall(r"[\d.]+", figure))
            assert low <= high
            assert low - 1e-9 <= value <= high + 1e-9 or value in (0, 1, 100)
    assert study["AUC", 4]["base64"][0].startswith("1.000")


def test_the_study_of_the_filter_measures_what_trimming_cuts_off(study):
    trimmed, lost, left = study["kind", 5]["good with a tail of garbage"][1:]
    assert percent(trimmed) > 50
    assert percent(lost) < 10
    assert percent(left) < 50


def percent(cell):
    return float(cell.removesuffix(" %"))
