"""Whether the standard error of a text covers what comes next in it.

    python benchmarks/standard_error.py [FOLDER]

Texts are cut into passages. Two neighbouring ones of a text have the same expectation
if the text goes on as it is; so their log-perplexities should differ by less than 1.96
errors of the difference in 95 of 100 cases. ``FOLDER`` has texts, by default those
of ``NONPLUS_DATA``.
"""

import os
import sys
from pathlib import Path

import numpy as np

import nonplus

DATA = Path(os.environ.get("NONPLUS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
PASSAGES = (300, 600, 1000, 2000, 4000, 16000)  # characters


def main(folder: str = str(DATA / "domains")) -> None:
    """Print the share of pairs within 1.96 errors, a line for each text."""
    scorer = nonplus.Scorer()
    print(f"{'characters':24}" + "".join(f"{size:>8,}" for size in PASSAGES))
    for file in sorted(Path(folder).glob("*.txt")):
        shares = [covered(scorer, file.read_text(), size) for size in PASSAGES]
        print(f"{file.name:24}" + "".join(f"{share:8.2f}" for share in shares))


def covered(scorer: nonplus.Scorer, text: str, size: int) -> float:
    """The share of pairs of passages that lie within 1.96 errors of each other."""
    passages = [text[start : start + size] for start in range(0, len(text) - 2 * size, size)]
    some = scorer.columns(passages[: 2 * (len(passages) // 2)])
    mean, error = some.log_perplexity.reshape(-1, 2), some.error.reshape(-1, 2)
    off = np.abs(np.diff(mean, axis=1)[:, 0]) / np.hypot(error[:, 0], error[:, 1])
    return float((off < 1.96).mean())


if __name__ == "__main__":
    main(*sys.argv[1:])
