"""The perplexities of a model on documents of plain English that it was not trained on.

They tell whether the perplexity of another document is a high one. The documents are
pieces of at least 2,000 bytes, up to the end of a line, of Wikipedia articles of 2019,
of two novels, and of the twenty genres of MASC: prose, talk, letters, tweets and spam.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nonplus import score

LEAST = 2_000  # bytes of a document; shorter ones differ by chance more than by kind
TEXTS = ("eval/wiki2019/valid.txt", "domains/novels.test.txt", "domains/masc/*.txt")


def quantiles(model: str, data: Path) -> dict[str, float]:
    """Perplexity at 0.01, 0.02, ... 0.99 of the documents."""
    texts = [piece for name in TEXTS for file in sorted(data.glob(name)) for piece in pieces(file)]
    perplexities = [np.exp(scored.nats.mean()) for scored in score(texts, model=model)]
    return {f"{percent / 100:.2f}": float(np.percentile(perplexities, percent)) for percent in range(1, 100)}


def pieces(file: Path) -> Iterator[str]:
    """Pieces of a file that end with a line; what is left at its end is dropped."""
    held = ""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            held += line
            if len(held.encode()) >= LEAST:
                yield held
                held = ""
