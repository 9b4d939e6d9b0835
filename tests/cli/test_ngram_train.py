"""``nonplus ngram train``: what it prints, what it writes, and how it goes on."""

import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command_lines import Run

from nonplus.errors import BadInput
from nonplus.models.ngram.arpa.reading import read_arpa
from nonplus.models.ngram.bundle import open_bundle
from nonplus.models.ngram.training import stages, trainer
from nonplus.models.ngram.training.meter import TrainingMeter
from nonplus.models.ngram.training.options import TrainingOptions
from nonplus.models.ngram.training.outputs import Outputs
from nonplus.models.ngram.training.whole import train_and_write

BOOK = Path(__file__).parents[2] / "examples" / "lost_world.txt"


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def ngrams_of(model) -> list[tuple[object, ...]]:
    return [
        (model.words[ids[0]] if k == 1 else ids, prob, weight)
        for k in range(1, len(model.counts) + 1)
        for block in model.blocks(k)
        for ids, prob, weight in zip(
            map(tuple, block.ids_Mk.tolist()),
            block.log10_probs_M.tolist(),
            block.log10_backoffs_M.tolist(),
            strict=True,
        )
    ]


def test_a_bundle_and_an_arpa_file_have_the_same_model(run: Run, tmp_path: Path) -> None:
    bundle, arpa = tmp_path / "book", tmp_path / "book.arpa"
    ran = run("ngram", "train", BOOK, "-o", bundle, "--arpa", arpa, "--order", "3")
    assert (ran.code, ran.err) == (0, f"wrote {bundle} (10,203 n-grams)\nwrote {arpa} (10,203 n-grams)\n")
    assert "n-grams          1,732 + 4,062 + 4,409 = 10,203" in ran.out
    assert sorted(ngrams_of(open_bundle(bundle).ngrams), key=str) == sorted(ngrams_of(read_arpa(arpa)), key=str)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["book", "book.arpa"]


@pytest.mark.parametrize(
    "options", [(), ("--quantize", "6"), ("--packed", "--quantize", "8"), ("--tokenizer", "bytes")]
)
def test_a_bundle_of_the_same_documents_in_another_order_has_the_same_bytes(
    run: Run, tmp_path: Path, options: tuple[str, ...]
) -> None:
    rows = [json.dumps({"text": line}) for line in BOOK.read_text().splitlines() if line][:300]
    made = []
    for seed in range(2):
        random.Random(seed).shuffle(rows)
        corpus, folder = tmp_path / f"{seed}.jsonl", tmp_path / f"made-{seed}"
        corpus.write_text("\n".join(rows))
        ran = run("ngram", "train", corpus, "-o", folder, "--order", 3, "--prune", "0,0,1", *options)
        assert ran.code == 0, ran.err
        made.append(files_of(folder))
    assert made[0] == made[1]


@pytest.mark.parametrize("prune", ["0", "0,0,1"])
def test_sums_over_the_vocabulary_stay_within_what_inspect_says(run: Run, tmp_path: Path, prune: str) -> None:
    """After every history, of a model with values of 4 bits and of one without."""
    text = tmp_path / "text.txt"
    text.write_text("\n".join(BOOK.read_text().splitlines()[:150]))
    off = {}
    for bits in (0, 4):
        folder = tmp_path / f"{bits}"
        ran = run("ngram", "train", text, "-o", folder, "--order", 3, "--prune", prune, "--quantize", bits)
        assert ran.code == 0, ran.err
        table = open_bundle(folder).table
        sums = []
        for order in range(1, 3):
            for block in table.ngrams(range(table.vocabulary)).blocks(order):
                ids_Mk = np.pad(block.ids_Mk, ((0, 0), (0, 1)))  # and any word after each history
                starts = np.arange(len(ids_Mk) + 1) * (order + 1)
                sums += [
                    np.exp(each).sum(axis=1) for each in table.distributions(ids_Mk.ravel(), starts, starts[1:] - 1)
                ]
        off[bits] = np.abs(np.log(np.concatenate(sums))).max()
    within = re.search(r"sums to 1 +within ([\d.]+)%", run("ngram", "inspect", tmp_path / "4").out)
    assert within is not None
    assert off[0] < 1e-4 < off[4] < np.log1p(float(within[1]) / 100)
    assert "sums to 1" not in run("ngram", "inspect", tmp_path / "0").out


@pytest.mark.parametrize(
    "prune", [["--prune", "0", "0", "1"], ["--prune", "0,0,1"], ["--prune=0,0,1"], ["--prune", "0 0 1"]]
)
def test_thresholds_have_blanks_or_commas_between_them_beside_texts(run: Run, tmp_path: Path, prune: list[str]) -> None:
    ran = run("ngram", "train", "--order", "4", *prune, BOOK, "-o", tmp_path / "book", "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert report["options"]["prune"] == [0, 0, 1, 1]
    assert (report["counts"], report["counts_before_pruning"]) == ([1732, 4062, 59, 9], [1732, 4062, 4409, 4063])


def test_a_text_that_spells_special_words_makes_a_model_that_an_arpa_file_can_hold(run: Run, tmp_path: Path) -> None:
    bundle, arpa = tmp_path / "bundle", tmp_path / "it.arpa"
    text = "the <s> cat <unk> sat </s> on\nthe cat <UNK> sat on <unk>"
    assert run("ngram", "train", text, "-o", bundle, "--arpa", arpa, "--order", "2").code == 0
    words = ["<unk>", "<s>", "</s>", "cat", "on", "sat", "the"]
    assert list(open_bundle(bundle).ngrams.words) == words
    assert sorted(read_arpa(arpa).words) == sorted(words)
    ran = [run("score", "the <s> cat", "--model", f"ngram:{path}", "--json").out for path in (bundle, arpa)]
    scored = [json.loads(out) for out in ran]
    assert [(each["nats"], each["unknown_tokens"]) for each in scored] == [(scored[0]["nats"], 1)] * 2


def test_a_model_scores_as_it_was_trained_to_read(run: Run, tmp_path: Path) -> None:
    for tokenizer in ("words", "bytes"):
        assert run("ngram", "train", BOOK, "-o", tmp_path / tokenizer, "--tokenizer", tokenizer).code == 0
    perplexity = {
        name: json.loads(run("score", BOOK, "--model", f"ngram:{tmp_path / name}", "--json").out)["perplexity"]
        for name in ("words", "bytes")
    }
    assert 1 < perplexity["bytes"] < 3 < perplexity["words"] < 30


def test_pieces_of_sentencepiece_are_trained_first(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("sentencepiece")
    own, again = tmp_path / "own", tmp_path / "again"
    ran = run("ngram", "train", BOOK, "-o", own, "--order", "2", "--tokenizer", "sentencepiece:300", "--json")
    assert (ran.code, json.loads(ran.out)["documents"]) == (0, 1), ran.err
    model = own / "tokenizer.model"
    assert run("ngram", "train", BOOK, "-o", again, "--order", "2", "--tokenizer", model).code == 0
    assert files_of(own)["words.txt"] == files_of(again)["words.txt"]
    assert files_of(own)["ngrams.table"] == files_of(again)["ngrams.table"]
    assert run("score", BOOK, "--model", f"ngram:{own}").code == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["again", "own"]


def test_pieces_that_a_text_does_not_give_are_noted(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("sentencepiece")
    ran = run("ngram", "train", BOOK, "-o", tmp_path / "own", "--order", "2", "--tokenizer", "sentencepiece:99999999")
    assert re.search(r"note: the text gives [\d,]+ pieces, fewer than --tokenizer sentencepiece:99999999 asks", ran.err)


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
def test_pieces_cannot_be_trained_on_documents_that_are_read_once(tmp_path: Path) -> None:
    pytest.importorskip("sentencepiece")
    documents, options = iter(["a b c"] * 9), TrainingOptions(tokenizer="sentencepiece:9")
    outputs = Outputs(output=tmp_path / "model")
    with pytest.raises(BadInput, match="reads the documents twice, and they were others the second time"):
        train_and_write(documents, outputs, options, meter=TrainingMeter())
    assert not any(tmp_path.iterdir())


def test_pieces_without_sentencepiece_name_the_extra(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    monkeypatch.delitem(sys.modules, "nonplus.models.ngram.text.sentencepiece_training", raising=False)
    ran = run("ngram", "train", "text:a b c", "-o", tmp_path / "model", "--tokenizer", "sentencepiece:100")
    assert ran.code != 0
    assert "pip install 'nonplus[sentencepiece]'" in ran.err
    assert not any(tmp_path.iterdir())


def test_a_tiny_text_gets_other_discounts_and_a_sentence(run: Run, tmp_path: Path) -> None:
    ran = run("ngram", "train", "text:a b c", "-o", tmp_path / "tiny", "--order", "2")
    assert ran.code == 0
    assert "note: the text is too small, or repeats itself too much, to estimate the discounts of the orders" in ran.err
    assert "  of order 2     0.5000, 1.000, 1.500; not estimated" in ran.out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--prune", "0", "1", "0"], "--prune 0 1 0 falls from one order to the next"),
        (
            ["--prune", "1"],
            "--prune 1 would leave out words; begin with 0, as in --prune 0 1, and train with --vocabulary N",
        ),
        (["--prune", "0,0,0", "--order", "2"], "--prune 0 0 0 has thresholds for 3 orders, and --order 2"),
        (["--prune", "0,x"], "'0,x' is no list of whole numbers; write e.g. 0 0 1"),
        (["--order", "7"], "--order 7 is no order of a model; use one from --order 1 to --order 6"),
        (["--vocabulary", "-1"], "--vocabulary -1 is less than 0"),
        (["--memory", "4Q"], "--memory 4Q is no number of bytes; write e.g. --memory 4G, with K, M"),
        (["--memory", "1M"], "--memory 1M is too little to train in; give at least --memory 128M"),
        (["--quantize", "1"], "--quantize 1 is no number of bits"),
        (
            ["--normalizer", "none"],
            "--normalizer none is none that this version of nonplus has; use one of raw, standard,",
        ),
        (["--normalizer", "standrd"], "did you mean --normalizer standard?"),
        (["--unit", "lines"], "'lines' is not one of line, document; did you mean line?"),
        (
            ["--tokenizer", "none"],
            "--tokenizer none is neither a file nor the name of a tokenizer; use --tokenizer words, --tokenizer bytes,",
        ),
        (["--tokenizer", "byts"], "did you mean --tokenizer bytes?"),
        (["--tokenizer", "/"], "--tokenizer / is a folder; name the tokenizer.json or the SentencePiece model in it"),
        (
            ["--tokenizer", "sentencepiece:0"],
            "--tokenizer sentencepiece:0 names no number of pieces from 8 on; use e.g.",
        ),
        (["--tokenizer", "sentencepiece:x"], "use e.g. --tokenizer sentencepiece:8000"),
    ],
)
def test_a_wrong_option_is_explained(run: Run, tmp_path: Path, options: list[str], sentence: str) -> None:
    ran = run("ngram", "train", "text:a b c", "-o", tmp_path / "model", *options)
    assert ran.code == 2
    assert sentence in ran.err
    assert not any(tmp_path.iterdir())


def test_the_options_of_a_training_can_be_typed_again(run: Run, tmp_path: Path) -> None:
    given = ["--order", "2", "--prune", "0", "1", "--exact-lmplz"]
    ran = run("ngram", "train", BOOK, "-o", tmp_path / "one", *given)
    said = next(line for line in ran.out.splitlines() if line.startswith("options "))
    assert run("ngram", "train", BOOK, "-o", tmp_path / "other", *shlex.split(said)[1:]).code == 0
    assert files_of(tmp_path / "one") == files_of(tmp_path / "other")
    assert said.removeprefix("options").strip().startswith(" ".join(given[:5]) + " --vocabulary 0 --exact-lmplz")
    assert "--order 2 --prune 0 1" in run("ngram", "inspect", tmp_path / "one").out


def test_a_model_must_be_written_somewhere_that_is_free(run: Run, tmp_path: Path) -> None:
    assert "give --output FOLDER or --arpa FILE" in run("ngram", "train", "text:a b c").err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").touch()
    ran = run("ngram", "train", "text:a b c", "-o", tmp_path / "full")
    assert ran.code == 2
    assert "exists and is no bundle, so it is not replaced" in ran.err


def test_what_was_left_out_is_counted(run: Run, tmp_path: Path) -> None:
    (rows := tmp_path / "a.jsonl").write_text('{"text": "a b"}\n{"text": " "}\n{"txt": "c"}\n')
    options = ("ngram", "train", rows, "-o", tmp_path / "model", "--order", "2", "--on-bad-row", "skip")
    ran = run(*options)
    assert "rejected         1 row that could not be read\nskipped          1 document without text\n" in ran.out
    assert "vocabulary       5 words, <unk>, <s> and </s> among them\n" in ran.out
    said = json.loads(run(*options, "--json").out)
    assert (said["documents"], said["skipped_documents"], said["rejected_rows"]) == (1, 1, 1)


def test_a_text_is_not_replaced_by_its_model(run: Run, tmp_path: Path) -> None:
    (text := tmp_path / "text.arpa").write_text("a b c")
    no_arpa = "exists and is no ARPA file, so it is not replaced; give another name, or remove it"
    for said, *verb in (
        (f"is read, and --arpa {text} would replace it; give another --arpa NAME", "train", text, "--arpa", text),
        (no_arpa, "train", "one two", "--arpa", text),
        (no_arpa, "convert", BOOK.with_name("weather.arpa"), "-o", text),
    ):
        ran = run("ngram", *verb)
        assert (ran.code, text.read_text()) == (2, "a b c")
        assert said in ran.err
    assert list(tmp_path.iterdir()) == [text]


def test_an_arpa_file_is_replaced(run: Run, tmp_path: Path) -> None:
    for order in (1, 2):
        assert run("ngram", "train", "text:a b c", "--arpa", tmp_path / "a.arpa", "--order", order).code == 0
    assert read_arpa(tmp_path / "a.arpa").counts == (6, 4)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (["--arpa", "a.arpa.gz"], "--arpa a.arpa.gz names a compressed file, which is not written; write a.arpa"),
        (["-o", "-"], "--output - names no file, and a model is too large for a pipe; give --output NAME"),
        (["--arpa", "-"], "--arpa - names no file"),
        (["-o", "a.arpa"], "--output a.arpa names an ARPA file, not a folder; give --arpa a.arpa"),
    ],
)
def test_a_name_that_says_another_kind_of_file_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("ngram", "train", "text:a b c", *output)
    assert ran.code == 2
    assert sentence in ran.err


def begun(tmp_path: Path, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "nonplus.cli", "ngram", "train", *map(str, arguments)]
    with (tmp_path.parent / f"{tmp_path.name}.err").open("wb") as said:
        return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=said)


def said_by(tmp_path: Path) -> str:
    return (tmp_path.parent / f"{tmp_path.name}.err").read_text()


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """100,000 words, most of them rare."""
    rng = random.Random(0)
    words = [f"w{int(rng.paretovariate(0.9)) % 5000}" for _ in range(100_000)]
    path = tmp_path / "text.txt"
    path.write_text("".join(f"{' '.join(words[i : i + 15])}\n" for i in range(0, len(words), 15)))
    return path


@pytest.mark.slow
def test_kills_at_any_moment_change_no_byte(tmp_path: Path, text: Path) -> None:
    options = ("--order", "4", "--prune", "0", "0", "1", "--memory", "128M", "--arpa")
    start = time.monotonic()
    whole = begun(tmp_path, f"lines:{text}", *options, "whole.arpa", "-o", "whole")
    assert whole.wait() == 0, said_by(tmp_path)
    took = time.monotonic() - start
    rng = random.Random(1)
    for _ in range(5):
        process = begun(tmp_path, f"lines:{text}", *options, "killed.arpa", "-o", "killed")
        time.sleep(took * rng.uniform(0.3, 0.9))
        process.kill()
        process.wait()
    last = begun(tmp_path, f"lines:{text}", *options, "killed.arpa", "-o", "killed")
    assert last.wait() == 0, said_by(tmp_path)
    assert files_of(tmp_path / "killed") == files_of(tmp_path / "whole")
    assert (tmp_path / "killed.arpa").read_bytes() == (tmp_path / "whole.arpa").read_bytes()
    left = {each.name for each in tmp_path.iterdir()}
    assert left == {"killed", "killed.arpa", "text.txt", "whole", "whole.arpa"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_an_interrupted_training_goes_on_with_the_same_text_and_options_only(
    run: Run, tmp_path: Path, text: Path
) -> None:
    model, work = tmp_path / "model", tmp_path / "model.training"
    process = begun(tmp_path, text, "-o", model, "--order", "6", "--memory", "128M")
    while process.poll() is None and not (work / "words").exists():
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130, said_by(tmp_path)
    stopped = f"note: stopped by Ctrl-C; what is finished is in {work}, and the same command goes on from there"
    assert stopped in said_by(tmp_path)
    again = ("-o", model, "--memory", "128M", "--order")
    other = run("ngram", "train", text, *again, "5", "--prune", "0,1", "--unit", "document")
    told = "order was 6 and is 5, prune was 0,0,0,0,0,0 and is 0,1,1,1,1, unit was line and is document; repeat that "
    told += "command, with --order 6 --prune 0 0 0 0 0 0 --unit line, to finish it, or remove the folder"
    assert f"{work} has the unfinished work of another training: {told}" in other.err
    other = run("ngram", "train", "text:a b c", *again, "6")
    assert f"{work} has the unfinished work of a training on another text" in other.err
    assert run("ngram", "train", text, "-o", model, "--memory", "140M", "--order", "6").code == 0
    assert {each.name for each in tmp_path.iterdir()} == {"model", "text.txt"}


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
@pytest.mark.parametrize("later", [500, 5000, 50])
def test_a_training_that_goes_on_in_another_memory_ends_in_the_same_bytes(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: int
) -> None:
    estimated, done = stages.estimate_partition, list[object]()

    def interrupted(*arguments: object, **options: object) -> None:
        if len(done) == 3:
            signal.raise_signal(signal.SIGINT)
        done.append(arguments)
        estimated(*arguments, **options)

    assert run("ngram", "train", BOOK, "-o", tmp_path / "whole", "--order", 3).code == 0
    monkeypatch.setattr(trainer, "_most_ngrams", lambda room, order, occurrences: 500)
    monkeypatch.setattr(stages, "estimate_partition", interrupted)
    assert run("ngram", "train", BOOK, "-o", tmp_path / "model", "--order", 3, "--memory", "1G").code == 130
    monkeypatch.setattr(stages, "estimate_partition", estimated)
    monkeypatch.setattr(trainer, "_most_ngrams", lambda room, order, occurrences: later)
    assert run("ngram", "train", BOOK, "-o", tmp_path / "model", "--order", 3, "--memory", "2G").code == 0
    assert files_of(tmp_path / "model") == files_of(tmp_path / "whole")


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
def test_few_different_bytes_are_no_fault_of_the_text(run: Run, tmp_path: Path) -> None:
    ran = run("ngram", "train", BOOK, "-o", tmp_path / "model", "--order", "2", "--tokenizer", "bytes")
    assert "not estimated: there are only 256 bytes" in ran.out
    assert "note: there are only 256 bytes, which are too few to estimate the discounts of order 1" in ran.err
    assert "too small" not in ran.out + ran.err


def test_an_interruption_when_the_model_is_there_does_not_ask_to_go_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rmtree = shutil.rmtree

    def interrupted(path: Path, **options: bool) -> None:
        if (tmp_path / "model").exists() and Path(path).exists():
            monkeypatch.undo()
            signal.raise_signal(signal.SIGINT)
        rmtree(path, **options)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    ran = run("ngram", "train", "text:a b c", "-o", tmp_path / "model")
    assert (ran.code, ran.err.splitlines()[-1]) == (130, "note: stopped by Ctrl-C; the model is written")
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b" \n "])
def test_a_text_that_cannot_be_trained_on_leaves_nothing(run: Run, tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(text)
    assert run("ngram", "train", tmp_path / "a.txt", "-o", tmp_path / "model").code == 2
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems measure memory in other units")
@pytest.mark.parametrize("tokenizer", ["words", "bytes"])
def test_memory_is_a_bound_also_for_one_word_that_is_everywhere(tmp_path: Path, tokenizer: str) -> None:
    rng = random.Random(0)
    words = [word for _ in range(1_200_000) for word in ("the", f"w{int(rng.paretovariate(0.9)) % 20000}")]
    # 2.4 million words, or some 10 million bytes, are n-grams of 400 MB and more.
    options = ("--tokenizer", tokenizer, "--memory", "200M", "-o", "model", "--prune", "0", "0", "1")
    assert 0 < peak_of(tmp_path, words, *options) < (200 << 20) * 1.1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems measure memory in other units")
def test_memory_is_a_bound_also_for_a_bundle_that_is_larger(tmp_path: Path) -> None:
    rng = random.Random(0)
    words = [f"w{rng.randrange(5000)}" for _ in range(2_500_000)]
    assert 0 < peak_of(tmp_path, words, "--memory", "150M", "-o", "model") < (150 << 20) * 1.1
    assert (tmp_path / "model" / "ngrams.table").stat().st_size > 150 << 20


def peak_of(tmp_path: Path, words: list[str], *options: str) -> int:
    """Bytes of memory of a training on words, 15 a line: those of the program itself,
    since what a process inherits from the one that starts it does not count.
    """
    path = tmp_path / "text.txt"
    path.write_text("".join(f"{' '.join(words[i : i + 15])}\n" for i in range(0, len(words), 15)))
    process = begun(tmp_path, f"lines:{path}", *options)
    peak = 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        peaks = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
        peak = max([peak, *peaks])  # a process that has just ended has none
        time.sleep(0.01)
    assert process.returncode == 0, said_by(tmp_path)
    return peak * 1024
