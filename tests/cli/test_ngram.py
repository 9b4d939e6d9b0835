"""Everything that ``nonplus score`` can do, it can do with an n-gram model; and
``nonplus ngram inspect`` shows what a model is.
"""

import itertools
import json
import re
from pathlib import Path

import pytest
from command_lines import Run

from nonplus.models.ngram.arpa.reading import read_arpa
from nonplus.models.ngram.bundle import write_bundle
from nonplus.models.ngram.manifest import Training
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.words import Words

WEATHER = Path(__file__).parents[1] / "models" / "ngram" / "fixtures" / "weather.arpa"
MODEL = ("--model", f"ngram:{WEATHER}")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "weather.jsonl"
    rows = [
        {
            "text": "rain falls in may" if n % 3 else "snow in\nmay sun",
            "kind": "wet" if n % 2 else "cold",
            "id": f"day {n}",
        }
        for n in range(40)
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    ngrams = read_arpa(WEATHER)
    training = Training(text_sha256="00ff", bytes=70, tokens=14, options={"order": 3}, discounts=((0.5, 1.0, 1.5),))
    rules = Rules(named("standard"), Words(ngrams.words))
    write_bundle(tmp_path / "weather", ngrams, rules=rules, training=training, quantiles={"en": {"0.5": 9.0}}, bits=2)
    return tmp_path / "weather"


def scored(run: Run, *arguments: object) -> dict:
    ran = run("score", *arguments, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_a_report_has_what_only_an_ngram_model_knows(run: Run) -> None:
    ran = run("score", "rain falls on snow", *MODEL)
    assert "  known tokens   4.209 without the unknown ones" in ran.out
    assert "longest match    n-grams of 1.60 tokens, on average" in ran.out
    assert "ngram:3|normalizer:raw-1|tokenizer:words|sentence:line|begin:<s>|end:</s>|dtype:float32" in ran.out
    assert "1 token of the text is unknown" in ran.err


def test_domains_intervals_and_the_bootstrap_work(run: Run, corpus: Path) -> None:
    said = scored(
        run, corpus, *MODEL, "--domain-field", "kind", "--id-field", "id", "--bootstrap", 200, "--by-position"
    )
    assert {*said["by_domain"]} == {"cold", "wet"}
    assert said["interval"]["low"] < said["perplexity"] < said["interval"]["high"]
    assert said["bootstrap"]["low"] < said["perplexity"] < said["bootstrap"]["high"]
    assert [row["seen_to"] for row in said["by_position"]] == [1, 3]
    assert said["unknown_tokens"] == 14
    assert said["perplexity_without_unknown"] < said["perplexity"]
    assert 1 < said["mean_match_length"] < 3


def test_a_run_ends_early_if_it_is_certain_enough(run: Run, corpus: Path) -> None:
    assert scored(run, corpus, *MODEL, "--until", "60%")["stopped_early"]


def test_a_resumed_run_has_the_figures_of_an_unbroken_one(run: Run, corpus: Path, tmp_path: Path) -> None:
    plain = scored(run, corpus, *MODEL)
    kept = [scored(run, corpus, *MODEL, "--resume", tmp_path / "kept") for _ in range(2)]
    for said in (plain, *kept):
        del said["seconds"], said["tokens_per_second"]
    assert kept == [plain, plain]


def test_tables_have_the_matches_and_alternatives_of_each_token(run: Run, tmp_path: Path) -> None:
    path, documents = tmp_path / "tokens.jsonl", tmp_path / "documents.jsonl"
    ran = run("score", "snow falls", *MODEL, "--alternatives", 2, "--per-token", path, "--per-document", documents)
    assert ran.code == 0, ran.err
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["text"] for row in rows] == ["snow", " falls", ""]
    assert [row["match"] for row in rows] == [2, 1, 1]
    assert rows[1]["backoff"] != 0
    assert [len(row["top"]) for row in rows] == [2, 2, 2]
    assert json.loads(documents.read_text())["tokens"] == 3
    pytest.importorskip("pyarrow")
    assert run("score", "snow falls", *MODEL, "--per-token", tmp_path / "tokens.parquet").code == 0


def test_a_page_shows_every_token_and_the_terminal_the_text(run: Run, tmp_path: Path) -> None:
    ran = run("score", "snow falls in may", *MODEL, "--html", tmp_path / "page.html", "--show")
    assert ran.code == 0, ran.err
    assert "'snow'" in ran.out
    assert "  </s>\n" in ran.out  # a token without text has its name
    page = (tmp_path / "page.html").read_text()
    assert '"bare":{"4":"\\u003c/s\\u003e"},"match":[2,1,2,3,3]' in page
    assert "ngram:3|normalizer:raw-1" in page
    assert '"rank":[' in page


def test_the_explanation_knows_ngrams(run: Run) -> None:
    said = scored(run, "rain falls", *MODEL, "--explain")["explanation"]
    assert "it sees 2 tokens before each" in said
    assert "Kneser-Ney" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--budget", "64"], "--budget 64 is for models that read texts in batches"),
        (["--protocol", "full"], "omit --protocol full"),
        (["--dtype", "bfloat16"], "omit --dtype bfloat16"),
    ],
)
def test_options_that_do_not_suit_it_are_refused_as_they_were_typed(run: Run, options: list[str], said: str) -> None:
    ran = run("score", "rain", *MODEL, *options)
    assert ran.code == 2
    assert said in ran.err


def test_the_doctor_examines_it(run: Run) -> None:
    ran = run("doctor", *MODEL)
    assert ran.code == 0, ran.out


def test_a_bundle_gives_both_sizes_of_a_text(run: Run, bundle: Path) -> None:
    said = scored(run, "rain   falls", "--model", f"ngram:{bundle}")
    assert (said["bytes"], said["normalised_bytes"]) == (12, 10)
    assert "12 bytes (10 normalised)" in run("score", "rain   falls", "--model", f"ngram:{bundle}").out


# -------------------------------------------------------------------------- inspect


def test_a_bundle_is_shown_with_how_it_was_made(run: Run, bundle: Path) -> None:
    ran = run("ngram", "inspect", bundle)
    assert ran.code == 0, ran.err
    lines = {line[:17].strip(): line[17:] for line in ran.out.splitlines()}
    assert lines["n-grams"] == "8 + 8 + 4 = 20"
    assert lines["normalizer"] == "standard-1"
    assert lines["sentence"] == "line, with <s> and </s>"
    assert lines["trained on"] == "70 bytes, 14 tokens, sha256 00ff"
    assert lines["values"] == "quantised to 2 bits"
    assert re.fullmatch(
        r"probabilities off by 0\.\d+, back-off weights off by .* at most, in base-10 logarithms", lines["order 2"]
    )
    assert re.fullmatch(r"within \d+\.\d\d% at worst: the probabilities after any history", lines["sums to 1"])
    assert "words.txt" in lines


def test_bins_as_wide_as_any_are_shown(run: Run, tmp_path: Path) -> None:
    places = itertools.count(1)
    wide = re.sub(r"(?m)^-[\d.]+(?=\t\S+ \S+(\t|$))", lambda _: f"-{next(places)}e30", WEATHER.read_text())
    (tmp_path / "wide.arpa").write_text(wide)
    assert run("ngram", "convert", tmp_path / "wide.arpa", "-o", tmp_path / "wide", "--quantize", 2).code == 0
    shown = run("ngram", "inspect", tmp_path / "wide")
    assert re.search(r"sums to 1 +within a factor of 10\^1\.5e\+30 at worst: the prob", shown.out), shown.err


def test_the_bundle_that_comes_with_the_package_is_inspected_by_its_name(run: Run) -> None:
    shown = json.loads(run("ngram", "inspect", "bundled:ngram", "--json").out)
    assert shown["manifest"]["quantiles"]["en"]["0.50"] > 1
    few = run("ngram", "inspect", "bundled:ngram").out
    assert re.search(r"quantiles of en  0\.01: 40\.\d+, .*0\.50: 78\.\d+, .*; --json has all 99\n", few)
    refused = run("ngram", "inspect", "bundled:tiny")
    assert refused.code == 2
    assert "is a model of transformers" in refused.err


def test_every_checksum_of_a_bundle_is_compared(run: Run, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nonplus.models.ngram.bundle._CHECKED", 0)
    table = bundle / "ngrams.table"
    table.write_bytes(table.read_bytes()[:-1] + b"\1")
    assert run("score", "rain", "--model", f"ngram:{bundle}").code == 0
    ran = run("ngram", "inspect", bundle)
    assert ran.code == 2
    assert "files.ngrams.table.sha256" in ran.err


def test_json_has_all_of_it(run: Run, bundle: Path) -> None:
    said = json.loads(run("ngram", "inspect", bundle, "--json").out)
    assert (said["kind"], said["order"], said["counts"], said["bits"]) == ("bundle", 3, [8, 8, 4], 2)
    assert len(said["greatest_errors"]) == 2
    assert said["manifest"]["training"]["options"] == {"order": 3}
    assert said["bits_per_ngram"] == pytest.approx(8 * (bundle / "ngrams.table").stat().st_size / 20)
    of_file = json.loads(run("ngram", "inspect", f"ngram:{WEATHER}", "--json").out)
    assert (of_file["kind"], of_file["counts"], of_file["manifest"]) == ("ARPA", [8, 8, 4], None)
    assert of_file["bytes"] == WEATHER.stat().st_size


def test_what_is_no_model_is_explained(run: Run, tmp_path: Path) -> None:
    ran = run("ngram", "inspect", tmp_path)
    assert ran.code == 2
    assert "has no manifest.json; write one with nonplus ngram train" in ran.err
