"""What ``lmplz`` of KenLM 0.3.0 makes of the same text."""

import os
import subprocess
from pathlib import Path

import pytest
from training import by_words, new_rules, trained, trained_in

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
