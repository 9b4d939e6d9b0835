"""``nonplus filter run`` and ``split``: what is printed, and what is left behind."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command_lines import Run

from nonplus.measure.formatting import figure

pytest.importorskip("pyarrow")
RULE = "bits_per_byte <= 2.6"
MEASURED = Path(__file__).parents[2] / "benchmarks/filter_peers/measured.py"
CRAWL = Path(__file__).parents[2] / "examples" / "crawl.jsonl"


@pytest.fixture
def crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    shutil.copy(CRAWL, tmp_path)
    return "crawl.jsonl"


def test_what_became_of_every_record_is_printed(run: Run, crawl: str) -> None:
    ran = run("filter", "run", crawl, "-o", "clean.jsonl", "--keep", RULE, "--workers", 1)
    assert ran.code == 0
    assert "records          13 = 8 kept + 4 dropped + 1 rejected\n" in ran.out
    assert ran.err == "wrote clean.jsonl (8 records)\n"
    assert len(Path("clean.jsonl").read_text().splitlines()) == 8


def test_what_to_do_about_rejected_records_is_printed_in_flags(run: Run, crawl: str) -> None:
    ran = run("filter", "run", crawl, "-o", "clean", "--keep", RULE, "--workers", 1, "--field", "body")
    assert "name the right one with --field …: 13\n" in ran.out


def test_a_reason_names_the_options_of_a_rule_as_the_rule_does(run: Run, crawl: str) -> None:
    rule = "gaussian(perplexity, factor=0.01, width=4.5)"
    ran = run("filter", "run", crawl, "-o", "clean", "--keep", rule, "--workers", 1)
    assert f"  because        not {rule}: " in ran.out
    again = run("filter", "run", crawl, "-o", "clean", "--keep", rule.replace("4.5", "4"), "--workers", 1)
    assert f"it was begun with --keep '{rule}', and is to go on with" in again.err


def test_a_report_says_in_flags_what_to_do_about_rejected_records(run: Run, crawl: str) -> None:
    run("filter", "run", crawl, "-o", "clean", "--keep", RULE, "--workers", 1, "--field", "body")
    assert "name the right one with --field …" in run("filter", "report", "clean").out


def test_a_split_by_what_was_not_measured_says_how_it_is_measured(run: Run, crawl: str) -> None:
    run("filter", "run", crawl, "-o", "clean", "--keep", RULE, "--workers", 1)
    ran = run("filter", "split", "clean", "-o", "again", "--keep", "repetition < 0.2", "--workers", 1)
    assert ran.code == 2
    assert "use nonplus filter run with this rule, into another folder" in ran.err


def test_json_is_the_report_that_is_kept(run: Run, crawl: str) -> None:
    ran = run("filter", "run", crawl, "-o", "clean", "--keep", RULE, "--workers", 1, "--json")
    assert json.loads(ran.out) == json.loads(Path("clean/report.json").read_text())
    assert json.loads(ran.out)["kept"]["records"] == 8


@pytest.mark.slow
def test_a_worker_stays_below_a_gigabyte_whatever_its_records_hold(tmp_path: Path) -> None:
    letters = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=7 << 20))
    prose = ("We were a cafe\u0301 of friends, and \u201cnobody\u201d said no. " * 300_000)[: 7 << 20]
    rows = [{"text": letters}, {"text": prose}, {"text": "no " * (6 << 20)}]
    (tmp_path / "long.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    command = [sys.executable, "-m", "nonplus.cli", "filter", "run", "long.jsonl", "-o", "out", "--workers", "1"]
    # a small process between: one begins with the peak of the one that starts it
    measured = [sys.executable, MEASURED, "took.json", *command, "--keep", RULE, "--json"]
    ran = subprocess.run(measured, cwd=tmp_path, stdout=subprocess.PIPE, check=True)
    _, peak_MiB = json.loads((tmp_path / "took.json").read_text())
    assert 100 < peak_MiB < 1024
    report = json.loads(ran.stdout)
    assert (report["kept"]["records"] + report["dropped"]["records"], report["rejected"]) == (2, 1)


def test_a_threshold_that_came_from_all_scores_is_printed(run: Run, crawl: str) -> None:
    run("filter", "run", crawl, "-o", "clean", "--keep", RULE, "--workers", 1)
    rows = [
        json.loads(row)
        for kind in ("kept", "dropped")
        for row in Path(f"clean/{kind}/000000-000000.jsonl").read_text().splitlines()
    ]
    middle = sorted(row["nonplus_bits_per_byte"] for row in rows)[5]
    ran = run("filter", "split", "clean", "-o", "half", "--keep", "bits_per_byte <= p50", "--workers", 1)
    assert f"  where          p50 of bits_per_byte is {figure(middle)}\n" in ran.out
    assert "records          13 = 6 kept + 6 dropped + 1 rejected\n" in ran.out


def test_a_run_that_can_read_no_record_fails_and_says_why(run: Run, crawl: str) -> None:
    ran = run("filter", "run", crawl, "-o", "out", "--keep", RULE, "--field", "body", "--workers", 1)
    assert ran.code == 2
    assert "records          13 = 0 kept + 0 dropped + 13 rejected\n" in ran.out
    assert ran.err.startswith("error: none of 13 records could be read, mostly because")
    assert "no field 'body'" in ran.err


def test_of_many_thresholds_the_first_are_printed(run: Run, crawl: str) -> None:
    rows = [json.loads(row) for row in Path(crawl).read_text().splitlines()[:12]]
    many = "".join(json.dumps(row | {"source": f"{row['id']}-{n}"}) + "\n" for n in range(2) for row in rows)
    Path("many.jsonl").write_text(many)
    common = ("--keep", "bits_per_byte <= p50 by source", "--source-field", "source", "--workers", 1)
    ran = run("filter", "run", "many.jsonl", "-o", "out", *common)
    assert ran.out.count("  where          p50 of bits_per_byte by source of doc-") == 12
    assert "                 and 12 other thresholds; see report.json\n" in ran.out
    assert len(json.loads(Path("out/report.json").read_text())["thresholds"]) == 24


def test_a_shard_whose_rule_needs_all_scores_says_what_to_do(run: Run, crawl: str) -> None:
    common = ("filter", "run", crawl, "-o", "out", "--keep", "bits_per_byte <= p50", "--workers", 1, "--unit-size", 900)
    first = run(*common, "--shard", "1/2")
    assert "scored so far" in first.out
    assert "when all other shards are scored too, run this one again" in first.err
    second = run(*common, "--shard", "2/2")
    assert "finished so far: 1 unit; the others belong to other shards" in second.err
    assert "13 = 6 kept + 6 dropped + 1 rejected" in run(*common, "--shard", "1/2").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--keep", "bits_per_bite <= 2"], "bits_per_bite"),
        (["--keep", RULE, "--model", "ngram:nowhere"], "nowhere"),
        (["--keep", RULE, "--shard", "0/2"], "the first of eight is --shard 1/8"),
        (["--keep", RULE, "--columns", "perplexty"], "did you mean perplexity?"),
        (["--keep", "language == 'en'"], "name it with --language-field"),
        (["--keep", RULE, "--unit-size", "much"], "--unit-size 4Mi"),
        (["--keep", RULE, "--record-size", "0"], "--record-size 8Mi"),
    ],
)
def test_a_wrong_option_is_one_line_and_leaves_nothing(
    run: Run, crawl: str, arguments: list[str], message: str
) -> None:
    ran = run("filter", "run", crawl, "-o", "out", *arguments)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert message in ran.err
    assert not Path("out").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_stopped_goes_on_where_it_was(
    start: Callable[..., subprocess.Popen[str]], run: Run, tmp_path: Path, number: int, code: int
) -> None:
    rows = CRAWL.read_text().splitlines()[:12] * 100
    (tmp_path / "c.jsonl").write_text("\n".join(rows) + "\n")
    common = ("filter", "run", tmp_path / "c.jsonl", "--keep", RULE, "--unit-size", "8K", "--workers", 2)
    process = start(*common, "-o", tmp_path / "out")
    while not list(tmp_path.glob("out/units/*/*.json")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert f"what is finished is in {tmp_path / 'out'}, and the same command goes on from there" in err
    assert not (tmp_path / "out" / "report.json").exists()
    done = len(list(tmp_path.glob("out/units/*/*.json")))
    assert run(*common, "-o", tmp_path / "out").code == 0
    assert len(list(tmp_path.glob("out/units/*/*.json"))) > done
    assert run(*common[:-1], 1, "-o", tmp_path / "whole").code == 0
    for kind in ("kept", "dropped", "scores"):
        whole, stopped = (sorted(tmp_path.glob(f"{folder}/{kind}/*")) for folder in ("whole", "out"))
        assert [path.read_bytes() for path in whole] == [path.read_bytes() for path in stopped]
