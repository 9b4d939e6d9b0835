"""What ``lmplz`` of KenLM 0.3.0 makes of the same text."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from training import by_words, new_rules, trained, trained_in

import nonplus
from nonplus.models.ngram.arpa.reading import read_arpa
from nonplus.models.ngram.ngrams import BEGIN, UNKNOWN
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.table.table import Table
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.splitters import splitter_of
from nonplus.models.ngram.text.words import Words
from nonplus.models.ngram.training.folder import WorkFolder

LMPLZ = os.environ.get("LMPLZ", "")

BOOK = Path(__file__).parents[3] / "examples" / "lost_world.txt"

# `lmplz -o ORDER --prune … < tinyshakespeare.txt` (KenLM 0.3.0), "Statistics": n-grams
# of the text, and D1, D2, D3+. Those of an order below the highest are the same in all.
WORDS = (25673, 0.689224, 1.02829, 1.42186)
BIGRAMS = (119242, 0.836972, 1.17055, 1.29242)
TRIGRAMS = (170872, 0.935599, 1.26937, 1.43036)
FOUR = (163387, 0.979356, 1.49648, 1.51919)
STATISTICS = {
    2: [WORDS, (119242, 0.813214, 1.13859, 1.3188)],
    3: [WORDS, BIGRAMS, (170872, 0.920974, 1.26942, 1.45134)],
    4: [WORDS, BIGRAMS, TRIGRAMS, (163387, 0.973954, 1.5441, 1.46493)],
    5: [WORDS, BIGRAMS, TRIGRAMS, FOUR, (141222, 0.992519, 1.7809, 1.98203)],
}

# What is kept with these thresholds; `query -v summary MODEL < lost_world.txt`:
# the perplexity with words that the model does not have, and without.
PERPLEXITIES = [
    (2, (0,), (25673, 119242), 1700.1793709731053, 392.8494297632662),
    (2, (0, 1), (25673, 22572), 1697.8984482547307, 404.6200090932233),
    (3, (0,), (25673, 119242, 170872), 1706.475124960099, 396.36728392549486),
    (3, (0, 0, 1), (25673, 119242, 10885), 1690.2518436869043, 394.2272668533691),
    (4, (0,), (25673, 119242, 170872, 163387), 1700.586196016476, 395.21398763587104),
    (4, (0, 0, 1), (25673, 119242, 10885, 2817), 1688.1199204211796, 393.80156435694977),
    (5, (0,), (25673, 119242, 170872, 163387, 141222), 1700.295622215861, 395.1617069879339),
    (5, (0, 0, 1), (25673, 119242, 10885, 2817, 597), 1687.9429755347628, 393.7632725999388),
]

# The first 36,000 lines of tinyshakespeare.txt are train.txt, the other 4,000 test.txt:
# `lmplz -o ORDER --text train.txt --arpa model.arpa` says n-grams and discounts of the
# highest order, `query model.arpa < test.txt` the perplexities with and without OOVs
# (KenLM 0.3.0).
HELD_OUT = {
    2: (110183, (0.814142, 1.14307, 1.31222), 515.195049705141, 255.7671788059635),
    3: (156550, (0.922093, 1.27508, 1.48153), 504.02377775809015, 249.68199179833238),
    4: (149159, (0.974626, 1.52979, 1.69203), 502.99647196461484, 249.21047557001498),
    5: (128861, (0.992621, 1.81271, 1.80886), 502.95931803725637, 249.2072178094786),
}


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")  # words that are unknown
@pytest.mark.parametrize("order", HELD_OUT)
def test_discounts_and_perplexities_are_those_of_lmplz_and_query(data: Path, tmp_path: Path, order: int) -> None:
    lines = (data / "eval" / "tinyshakespeare.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    options = nonplus.TrainingOptions(order=order, normalizer="raw", exact_lmplz=True)
    trained = nonplus.train_ngrams(["".join(lines[:36000])], tmp_path / "model", options=options)
    report = nonplus.evaluate(["".join(lines[36000:])], model=f"ngram:{tmp_path / 'model'}")
    ngrams, discounts, perplexity, of_known = HELD_OUT[order]
    found = trained.discounts[-1]
    assert trained.counts[-1] == ngrams
    assert [found.one, found.two, found.more] == pytest.approx(discounts, rel=1e-5)
    assert (report.tokens, report.tally.unknown) == (21893, 2125)
    assert report.perplexity == pytest.approx(perplexity, rel=1e-5)
    assert report.perplexity_without_unknown == pytest.approx(of_known, rel=1e-5)


@pytest.mark.parametrize(("order", "prune", "kept", "perplexity", "of_known"), PERPLEXITIES)
def test_counts_discounts_and_perplexities_are_those_of_lmplz(
    data: Path,
    tmp_path: Path,
    order: int,
    prune: tuple[int, ...],
    kept: tuple[int, ...],
    perplexity: float,
    of_known: float,
) -> None:
    text = (data / "eval" / "tinyshakespeare.txt").read_text(encoding="utf-8")
    folder = WorkFolder(tmp_path / "work", {})
    _, model = trained_in(folder, [text], new_rules(), order=order, prune=prune, exact_lmplz=True)
    assert model.counts == kept
    assert model.all_counts == tuple(count for count, *_ in STATISTICS[order])
    for found, (_, *discounts) in zip(model.discounts, STATISTICS[order], strict=True):
        assert [found.one, found.two, found.more] == pytest.approx(discounts, rel=1e-5)
    read = Rules(named("raw"), splitter_of({"kind": "words"}, Words(model.words))).sentences([BOOK.read_text("utf-8")])
    nats_T = Table.in_memory(model).score(read.ids_T, read.starts).nats_T
    scored_T = read.ids_T != BEGIN
    assert np.exp(nats_T[scored_T].mean()) == pytest.approx(perplexity, rel=1e-5)
    assert np.exp(nats_T[scored_T & (read.ids_T != UNKNOWN)].mean()) == pytest.approx(of_known, rel=1e-5)


@pytest.mark.skipif(not LMPLZ, reason="compares with lmplz: set LMPLZ to its path")
@pytest.mark.parametrize("order", range(1, 7))
@pytest.mark.parametrize("prune", [[0], [0, 0, 1]])
def test_every_probability_is_that_of_lmplz(data: Path, tmp_path: Path, order: int, prune: list[int]) -> None:
    text = (data / "eval" / "tinyshakespeare.txt").read_text(encoding="utf-8")
    # The last new word occurs several times, so that the count of its n-grams matters.
    text += 3 * "the zebra of the zebra\na king saw zebra\n"
    thresholds = prune[:order]
    command = [LMPLZ, "-o", str(order), "-S", "100M", "-T", str(tmp_path), "--prune", *map(str, thresholds)]
    arpa = tmp_path / "model.arpa"
    arpa.write_bytes(subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout)
    expected = by_words(read_arpa(arpa))
    found = by_words(trained([text], order=order, prune=tuple(thresholds), exact_lmplz=True))
    assert found.keys() == expected.keys()
    assert max(abs(a - b) for key in found for a, b in zip(found[key], expected[key], strict=True)) < 1e-5
