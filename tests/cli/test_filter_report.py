"""``nonplus filter report`` on a small run, as a user runs it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from command_lines import Run

pytest.importorskip("pyarrow")

TEXTS = ("the rain in the spring", "a letter from the old house", "zxqj vvkp wqqz hhjk", "und der Regen im Mai")


@pytest.fixture
def out(run: Run, tmp_path: Path) -> Path:
    """A finished run; a record has a hostile source, and a line is torn."""
    rows = [{"text": f"{TEXTS[place % 4]} {place}", "site": f"\x1b[31m{place % 2}<b>"} for place in range(80)]
    corpus = tmp_path / "web.jsonl"
    corpus.write_text("".join(f"{json.dumps(row)}\n" for row in rows) + '{"text": "\x1b[31m torn <i>\n')
    options = ("--keep", "bits_per_byte <= 4", "--source-field", "site", "--workers", 1)
    assert run("filter", "run", corpus, "-o", tmp_path / "out", *options).code == 0
    return tmp_path / "out"


def test_the_counts_and_the_reasons_are_shown(run: Run, out: Path):
    ran = run("filter", "report", out)
    assert ran.code == 0
    kept, dropped = (
        int(each) for each in re.search(r"81 = (\d+) kept \+ (\d+) dropped \+ 1 rejected", ran.out).groups()
    )
    assert kept + dropped == 80
    assert re.search(rf"bits_per_byte > 4 +{dropped}  .*web\.jsonl:3  bits_per_byte [\d.]+ > 4$", ran.out, re.MULTILINE)
    assert "rejected because" in ran.out


def test_hostile_records_do_not_control_the_terminal(run: Run, out: Path):
    ran = run("filter", "report", out)
    assert "\x1b[31m" not in ran.out
    assert "␛[31m0<b>" in ran.out


def test_json_has_the_counts_of_the_run(run: Run, out: Path):
    found = run("filter", "report", out, "--json").object
    noted = json.loads((out / "report.json").read_text())
    assert {name: found[name] for name in ("records", "kept", "dropped", "rejected", "rule")} == {
        name: noted[name] for name in ("records", "kept", "dropped", "rejected", "rule")
    }
    assert found["complete"] is True
    assert found["strata"]["all"]["documents"]["after"] == noted["kept"]["records"]


def test_an_unfinished_run_has_a_note(run: Run, out: Path):
    (out / "ends" / "000000.json").unlink()
    ran = run("filter", "report", out)
    assert ran.code == 0
    assert "the run is not finished" in ran.err


def test_a_page_and_a_picture_are_written(run: Run, out: Path, tmp_path: Path):
    pytest.importorskip("matplotlib")
    ran = run("filter", "report", out, "--html", tmp_path / "a.html", "--plot", tmp_path / "a.png")
    assert "a page to look at in a browser" in ran.err
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    html = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;" in html
    assert "torn &lt;i&gt;" in html


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "in nowhere no run of nonplus filter was begun"),
        (["out", "--html", "a.pdf"], "--html a.pdf does not end with .html"),
        (["out", "--scores", "nowhere"], "nowhere has no scores"),
    ],
)
def test_a_wrong_input_is_explained(
    run: Run, out: Path, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(out.parent)
    ran = run("filter", "report", *arguments)
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.slow
def test_a_browser_shows_the_page_without_a_complaint(run: Run, out: Path, tmp_path: Path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no Chromium on the PATH")
    page = tmp_path / "out.html"
    run("filter", "report", out, "--html", page)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0", "--dump-dom"]
    ran = subprocess.run([browser, *options, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    assert not re.search("Content Security Policy|Uncaught", ran.stderr)
    assert "What the cut did to the mixture" in ran.stdout
