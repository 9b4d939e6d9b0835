"""What ``lmplz`` of KenLM 0.3.0 makes of the same text."""

import os
import subprocess
from pathlib import Path

import pytest
from training import by_words, new_rules, trained, trained_in

import nonplus
from nonplus.models.ngram.arpa import read_arpa
from nonplus.models.ngram.training.folder import WorkFolder

LMPLZ = os.environ.get("LMPLZ", "")

# `lmplz -o 5 --prune 0 0 1 1 1 < tinyshakespeare.txt` (KenLM 0.3.0), its "Statistics":
# n-grams kept, n-grams of the text, D1, D2, D3+.
SHAKESPEARE = [
    (25673, 25673, 0.689224, 1.02829, 1.42186),
    (119242, 119242, 0.836972, 1.17055, 1.29242),
    (10885, 170872, 0.935599, 1.26937, 1.43036),
    (2817, 163387, 0.979356, 1.49648, 1.51919),
    (597, 141222, 0.992519, 1.7809, 1.98203),
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


def test_counts_and_discounts_are_those_of_lmplz(data: Path, tmp_path: Path) -> None:
    text = (data / "eval" / "tinyshakespeare.txt").read_text(encoding="utf-8")
    folder = WorkFolder(tmp_path / "work", {})
    _, model = trained_in(folder, [text], new_rules(), order=5, prune=(0, 0, 1), exact_lmplz=True)
    for order, (kept, everything, *discounts) in enumerate(SHAKESPEARE):
        assert (model.counts[order], model.all_counts[order]) == (kept, everything)
        found = model.discounts[order]
        assert [found.one, found.two, found.more] == pytest.approx(discounts, rel=1e-5)


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
