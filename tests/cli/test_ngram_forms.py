"""``nonplus ngram convert`` and ``nonplus ngram prune``."""

import json
import re
import signal
from pathlib import Path

import pytest
from command_lines import Run

from nonplus.models.ngram.training import kept_text, stages, trainer

BOOK = Path(__file__).parents[2] / "examples" / "lost_world.txt"
WEATHER = Path(__file__).parents[1] / "models" / "ngram" / "fixtures" / "weather.arpa"


def test_a_converted_model_gives_the_same_figures(run: Run, tmp_path: Path) -> None:
    for out in ("bundle", "packed", "again.arpa"):
        flags = ["--packed"] if out == "packed" else []
        assert run("ngram", "convert", WEATHER, "-o", tmp_path / out, *flags).code == 0
    figures = {
        json.loads(run("score", "rain falls on snow", "-m", f"ngram:{model}", "--json").out)["perplexity"]
        for model in (WEATHER, tmp_path / "bundle", tmp_path / "packed", tmp_path / "again.arpa")
    }
    assert len(figures) == 1


def test_converting_shows_what_was_written_and_what_was_lost(run: Run, tmp_path: Path) -> None:
    ran = run("ngram", "convert", WEATHER, "-o", tmp_path / "small", "--packed", "--quantize", 2)
    assert "n-grams          8 + 8 + 4 = 20" in ran.out
    assert "values           quantised, 2 bits" in ran.out
    assert "note: the model does not say how text is read" in ran.err
    assert "note: values were rounded to 2 bits" in ran.err


def test_json_has_all_that_is_known_of_the_model_written(run: Run, tmp_path: Path) -> None:
    said = json.loads(run("ngram", "convert", WEATHER, "-o", tmp_path / "small", "--quantize", 8, "--json").out)
    assert {"path", "kind", "counts", "bytes", "ngram_bytes", "bits", "greatest_errors", "lost"} == said.keys()
    said = json.loads(run("ngram", "prune", WEATHER, "-o", tmp_path / "p.arpa", "--ngrams", 12, "--json").out)
    assert said["counts_before"] == [8, 8, 4]
    assert sum(said["counts"]) == 12
    assert said["entropy"] > 0
    assert said["divergence"] > 0


def test_pruning_shows_counts_and_bytes_before_and_after(run: Run, tmp_path: Path) -> None:
    out = run("ngram", "prune", WEATHER, "-o", tmp_path / "small.arpa", "--entropy", "1e-2").out
    assert "n-grams before   8 + 8 + 4 = 20" in out
    assert "size before      522 bytes" in out
    assert re.search(r"entropy          0\.01: the least rise", out)
    assert "perplexity       about" in out
    assert run("ngram", "prune", WEATHER, "-o", tmp_path / "small", "--entropy", "1e-2").code == 0
    shown = run("ngram", "inspect", tmp_path / "small").out
    assert re.search(r"\npruned           --entropy 0\.01, from 8 \+ 8 \+ 4 = 20 n-grams; those that stayed are", shown)


@pytest.mark.parametrize(("size", "most"), [("2K", 2000), ("0.002M", 2000), ("1300", 1300)])
def test_a_size_may_have_a_unit(run: Run, tmp_path: Path, size: str, most: int) -> None:
    assert run("ngram", "prune", WEATHER, "-o", tmp_path / "small", "--to-bytes", size).code == 0
    assert sum(file.stat().st_size for file in (tmp_path / "small").iterdir()) <= most


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--to-bytes", "6X"], "--to-bytes 6X is no number of bytes; write e.g. --to-bytes 6M, with K, M"),
        (["--to-bytes", "inf"], "--to-bytes inf is no number of bytes"),
        (["--to-bytes", "9"], "alone take .* bytes, got --to-bytes 9; allow at least --to-bytes"),
        ([], "pruning takes one of --entropy 1e-8, --ngrams 1000000, --to-bytes 6000000 and --counts 0 0 1, got none"),
        (["--ngrams", "2"], "the model has 8 words, got --ngrams 2; allow at least as many"),
        (["--ngrams", "9", "--quantize", "1"], "--quantize 1 is no number of bits"),
        (["--to-bytes", "1K", "--no-packed"], "--to-bytes 1K is about a packed bundle, got no --packed"),
        (["--counts", "0", "0", "1"], "which a model does not keep; train again on the text, with --prune 0 0 1, or"),
    ],
)
def test_a_refusal_says_which_option_to_change(run: Run, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    ran = run("ngram", "prune", WEATHER, "-o", tmp_path / "small", *arguments)
    assert ran.code == 2
    assert re.search(sentence, ran.err)


def test_a_model_of_single_words_and_an_arpa_file_have_one_size(run: Run, tmp_path: Path) -> None:
    out = run("ngram", "prune", WEATHER, "-o", tmp_path / "w.arpa", "--ngrams", 8).out
    assert "n-grams          8\n" in out
    assert re.search(r"^size             [\d,]+ bytes$", out, re.MULTILINE)


def test_pruning_by_counts_names_the_options_of_the_training(run: Run, tmp_path: Path) -> None:
    run("ngram", "train", "one two\nthree", "-o", tmp_path / "made", "--order", 2, "--vocabulary", 9)
    ran = run("ngram", "prune", tmp_path / "made", "-o", tmp_path / "small", "--counts", 0, 1)
    advice = "train again on the text, with --order 2 --vocabulary 9 --prune 0 1, or with --keep-text to prune by any"
    assert (ran.code, advice in ran.err) == (2, True)


def test_a_model_that_keeps_its_text_is_pruned_by_counts(run: Run, tmp_path: Path) -> None:
    made, small, same = tmp_path / "made", tmp_path / "small", tmp_path / "same"
    run("ngram", "train", BOOK, "-o", made, "--order", 3, "--keep-text", "--quantize", 8)
    ran = run("ngram", "prune", made, "-o", small, "--counts", 0, 0, 1)
    assert "n-grams before   1,732 + 4,062 + 4,409 = 10,203\n" in ran.out
    assert "n-grams          1,732 + 4,062 + 59 = 5,853\n" in ran.out
    assert ran.out.splitlines()[-1] == "values           quantised, 8 bits"
    assert ran.err.startswith("note: the new model does not keep the text, so it cannot be pruned by counts\n")
    run("ngram", "train", BOOK, "-o", same, "--order", 3, "--prune", "0,0,1", "--quantize", 8)
    assert [(path.name, path.read_bytes()) for path in sorted(small.iterdir())] == [
        (path.name, path.read_bytes()) for path in sorted(same.iterdir())
    ]
    said = json.loads(run("ngram", "prune", made, "-o", small, "--counts=0,0,1", "--memory", "1G", "--json").out)
    assert (said["counts"], said["counts_before"], said["entropy"], said["divergence"]) == (
        [1732, 4062, 59],
        [1732, 4062, 4409],
        None,
        None,
    )


def test_an_interrupted_pruning_by_counts_goes_on_with_the_same_text_and_counts_only(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, small, work = tmp_path / "made", tmp_path / "small", tmp_path / "small.training"
    run("ngram", "train", BOOK, "-o", made, "--order", 3, "--keep-text")
    estimated, done = stages.estimate_partition, list[object]()

    def interrupted(*arguments: object, **options: object) -> None:
        if len(done) == 3:
            signal.raise_signal(signal.SIGINT)
        done.append(arguments)
        estimated(*arguments, **options)

    monkeypatch.setattr(trainer, "_most_ngrams", lambda room, order, occurrences: 500)
    monkeypatch.setattr(stages, "estimate_partition", interrupted)
    ran = run("ngram", "prune", made, "-o", small, "--counts", 0, 0, 1)
    said = f"note: stopped by Ctrl-C; what is finished is in {work}, and the same command goes on from there\n"
    assert (ran.code, ran.err) == (130, said)
    assert {"text", "occurrences"} <= {each.name for each in work.iterdir()}
    monkeypatch.setattr(stages, "estimate_partition", estimated)
    other = run("ngram", "prune", made, "-o", small, "--counts", 0, 0, 2)
    assert f"{work} has the unfinished work of another training: counts was 0,0,1 and is 0,0,2" in other.err
    assert "repeat that command, with --counts 0 0 1, to finish it, or remove the folder" in other.err
    monkeypatch.setattr(kept_text, "_chunks", None)  # it is not read again
    assert run("ngram", "prune", made, "-o", small, "--counts", 0, 0, 1).code == 0
    assert run("ngram", "train", BOOK, "-o", tmp_path / "same", "--order", 3, "--prune", "0,0,1").code == 0
    assert (small / "ngrams.table").read_bytes() == (tmp_path / "same" / "ngrams.table").read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["made", "same", "small"]


def test_a_model_that_replaces_an_earlier_one_says_so(run: Run, tmp_path: Path) -> None:
    for out in (tmp_path / "bundle", tmp_path / "w.arpa"):
        kind = "ARPA" if out.suffix else "bundle"
        for made in (("convert", WEATHER), ("prune", WEATHER, "--ngrams", 12)):
            out_line = f"wrote            {out} ({kind}, in place of an earlier one)\n"
            assert (out_line in run("ngram", *made, "-o", out).out) == (made[0] == "prune")
    trained = run("ngram", "train", "one two", "-o", tmp_path / "bundle", "--arpa", tmp_path / "new.arpa").err
    assert re.search(r"wrote \S*bundle \(\d+ n-grams, in place of an earlier one\)", trained)
    assert re.search(r"wrote \S*new.arpa \(\d+ n-grams\)", trained)


def test_a_size_in_bytes_is_that_of_a_bundle(run: Run, tmp_path: Path) -> None:
    ran = run("ngram", "prune", WEATHER, "-o", tmp_path / "w.arpa", "--to-bytes", "1K")
    assert "--to-bytes 1K is about a packed bundle" in ran.err
