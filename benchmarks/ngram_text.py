"""How fast texts become the words of an n-gram model, in MB per CPU second on one core.

    python benchmarks/ngram_text.py FOLDER [MODEL]

FOLDER has text files; MODEL is a SentencePiece model. Each figure is the best of three
rounds over all texts, 50 at a time.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from nonplus.models.ngram.normalizers.named import NORMALIZERS, named
from nonplus.models.ngram.text.pieces import Pieces
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.splitters import piece_model
from nonplus.models.ngram.text.words import NewWords, Words

TOGETHER = 50
ROUNDS = 3

Texts = Sequence[str]


def texts_of(folder: Path) -> tuple[list[str], list[str]]:
    """The texts of ASCII, and the others."""
    ascii_texts, others = [], []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in (".gz", ".xz", ".bz2"):
            text = path.read_text(encoding="utf-8", errors="ignore")
            (ascii_texts if text.isascii() else others).append(text)
    return ascii_texts, others


def rates(work: Callable[[Texts], object], texts: Texts) -> list[float]:
    """MB per CPU second of each round."""
    size = sum(len(text.encode()) for text in texts) / 1e6
    batches = [texts[start : start + TOGETHER] for start in range(0, len(texts), TOGETHER)]
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for batch in batches:
            work(batch)
        found.append(size / (time.process_time() - begun))
    return found


def main(folder: str, model: str = "") -> None:
    """Print a line for each; see the module."""
    for name, texts in zip(("ASCII", "other"), texts_of(Path(folder)), strict=True):
        print(f"{name}: {len(texts):,} texts, {sum(len(text.encode()) for text in texts) / 1e6:.1f} MB")
        if not texts:
            continue
        for normalizer in NORMALIZERS.values():
            rate = max(rates(lambda batch, each=normalizer: each.normalize(batch, each.unit), texts))
            print(f"  {normalizer.name:32} {rate:6.1f}")
        new = Rules(named("standard"), NewWords())
        print(f"  {'new words, standard':32} {rates(new.sentences, texts)[0]:6.1f}")
        for normalizer in ("raw", "standard"):
            rules = Rules(named(normalizer), Words(new.words))
            print(f"  {'known words, ' + normalizer:32} {max(rates(rules.sentences, texts)):6.1f}")
        if model:
            first, *others = rates(
                Rules(named("standard"), Pieces(piece_model(Path(model)), NewWords())).sentences, texts
            )
            print(f"  {'pieces, standard, first round':32} {first:6.1f}")
            print(f"  {'pieces, standard, later rounds':32} {max(others):6.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
