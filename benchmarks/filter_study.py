"""Does perplexity tell junk from text? A study on real text.

    python benchmarks/filter_study.py FILE [--count 60]

Good texts, other natural texts, and generated junk (see ``filter_study_texts.py``) are
scored by ``bundled:ngram`` and ``bundled:base``; the figures go to FILE, and where that
exists they are read from it. Half of the good texts give the threshold of each system,
with which it drops 5 % of them; all that is printed is of the other texts.

Systems: the n-gram model and the neural one by their bits per byte; a cascade, in which
the n-gram model decides unless its threshold is within the interval of a text's figure,
and the neural one decides those; and the n-gram model with guards: it drops, besides,
texts with a worse worst window than 99 % of the good ones, and those that repeat
themselves more than 99 % of them do. Intervals of parts are Wilson's, those of areas
under the ROC curve come from sources drawn again, for texts of one file are alike.
"""

import argparse
import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import filter_study_texts as made
import numpy as np
from filter_study_texts import GOOD, KINDS, Text
from numpy.typing import NDArray

from nonplus.filtering.scoring.repetition import repetition
from nonplus.filtering.scoring.scorer import Scorer

Figures = NDArray[Any]

MODELS = {"ngram": "bundled:ngram", "neural": "bundled:base"}
LOST = 0.05  # of the good texts
GUARD = 0.01
JUNK = (*KINDS, "other languages")
_Z = 1.96
_DRAWS = 1000


def main() -> None:
    """Score if that is not done, and print."""
    parser = argparse.ArgumentParser(description="How well perplexity tells junk from text.")
    parser.add_argument("file", type=Path, help="the figures of every text, as JSON Lines")
    parser.add_argument("--count", type=int, default=60, help="texts of each kind of junk, and twice as many others")
    options = parser.parse_args()
    if not options.file.exists():
        rows = scored(*chosen(options.count))
        options.file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    rows = [json.loads(line) for line in options.file.read_text(encoding="utf-8").split("\n") if line]
    Study(rows).say()


def chosen(count: int) -> tuple[list[Text], list[bool]]:
    """The texts, and which of them are for the thresholds."""
    natural = made.natural(2 * count)
    own: list[Text] = []
    for kind in GOOD:
        own += [text for text in natural if text.kind == kind][::2]
    kept = set(own)
    texts = [text for text in natural if text not in kept]
    all_ = [*own, *texts, *made.junk(own, count)]
    return all_, [place < len(own) for place in range(len(all_))]


def scored(texts: Sequence[Text], first: Sequence[bool]) -> list[dict[str, Any]]:
    """A row for each text; how fast it was is printed."""
    repeated = repetition([text.text for text in texts]).tolist()
    rows: list[dict[str, Any]] = [
        {**text._asdict(), "for threshold": own, "repeated": share}
        for text, own, share in zip(texts, first, repeated, strict=True)
    ]
    for name, model in MODELS.items():
        scorer, begun = Scorer(model), time.process_time()
        columns = scorer.columns([text.text for text in texts])
        seconds, size = time.process_time() - begun, sum(len(text.text.encode()) for text in texts) / 1e6
        print(f"{model}: {len(texts):,} texts, {size:.2f} MB, {size / seconds:.3f} MB/CPU s")
        half = _Z * columns.error * columns.tokens / columns.bytes / math.log(2)
        for place, row in enumerate(rows):
            row[name] = float(columns.bits_per_byte[place])
            row[f"{name} worst"] = float(np.nan_to_num(columns.worst[place]))
            row[f"{name} half"] = float(np.nan_to_num(half[place]))
    return rows


class Study:
    """The figures of all texts, and what each system makes of them."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.rows = [row for row in rows if not row["for threshold"]]
        self.own = [row for row in rows if row["for threshold"]]
        self.kinds = np.array([row["kind"] for row in self.rows])
        self.good = np.isin(self.kinds, GOOD)
        self.junk = np.isin(self.kinds, JUNK)
        self.limits = {name: self.quantile(name, 1 - LOST) for name in MODELS}
        ngram, neural = (self.column(name) > limit for name, limit in self.limits.items())
        near = np.abs(self.column("ngram") - self.limits["ngram"]) < self.column("ngram half")
        guards = [self.column(name) > self.quantile(name, 1 - GUARD) for name in ("ngram worst", "repeated")]
        self.near = near
        self.dropped = {
            "n-gram": ngram,
            "n-gram, guarded": ngram | guards[0] | guards[1],
            "cascade": np.where(near, neural, ngram),
            "neural": neural,
        }

    def column(self, name: str) -> Figures:
        """A figure of each text."""
        return np.array([row[name] for row in self.rows])

    def quantile(self, name: str, part: float) -> float:
        """One of the good texts that are for thresholds."""
        return float(np.quantile([row[name] for row in self.own], part))

    def say(self) -> None:
        """Print the tables."""
        print("thresholds in bits per byte: " + ", ".join(f"{name} {limit:.3f}" for name, limit in self.limits.items()))
        print(f"the cascade asks the neural model about {self.near.mean():.1%} of the texts")
        print("| kind | texts | " + " | ".join(f"{name} drops" for name in self.dropped) + " |")
        for kind in dict.fromkeys(self.kinds):
            own = self.kinds == kind
            print(f"| {kind} | {own.sum()} | " + " | ".join(part(each[own]) for each in self.dropped.values()) + " |")
        print("| kind | AUC, n-gram | AUC, neural |")
        for kind in [*dict.fromkeys(self.kinds[~self.good]), "all junk"]:
            own = self.junk if kind == "all junk" else self.kinds == kind
            print(f"| {kind} | " + " | ".join(self.area(self.column(name), own) for name in MODELS) + " |")
        print("| system | recall of junk | precision at 1 junk in 2 | at 1 in 10 |")
        for name, dropped in self.dropped.items():
            recall, lost = self.of_kinds(dropped, JUNK), self.of_kinds(dropped, GOOD)
            shares = [share * recall / (share * recall + (1 - share) * lost) for share in (0.5, 0.1)]
            print(f"| {name} | {recall:.1%} | " + " | ".join(f"{share:.1%}" for share in shares) + " |")
        print("| model | good texts lost | junk dropped |")
        for name in MODELS:
            for lost in (0.01, 0.02, 0.05, 0.1, 0.2):
                dropped = self.column(name) > self.quantile(name, 1 - lost)
                print(f"| {name} | {self.of_kinds(dropped, GOOD):.1%} | {self.of_kinds(dropped, JUNK):.1%} |")

    def of_kinds(self, dropped: Figures, kinds: Sequence[str]) -> float:
        """The part that is dropped, with each kind counting the same."""
        return float(np.mean([dropped[self.kinds == kind].mean() for kind in kinds]))

    def area(self, figures: Figures, own: Figures) -> str:
        """That under the ROC curve, against the good texts."""
        draw = np.random.default_rng(5)
        high, low = self.by_source(figures, own), self.by_source(figures, self.good)
        areas = [auc(again(high, draw), again(low, draw)) for _ in range(_DRAWS)]
        lowest, highest = np.quantile(areas, (0.025, 0.975))
        return f"{auc(figures[own], figures[self.good]):.3f} [{lowest:.3f}, {highest:.3f}]"

    def by_source(self, figures: Figures, own: Figures) -> list[Figures]:
        """Figures of the texts of each source."""
        sources = np.array([f"{row['kind']} {row['source']}" for row in self.rows])[own]
        return [figures[own][sources == source] for source in dict.fromkeys(sources)]


def again(by_source: Sequence[Figures], draw: np.random.Generator) -> Figures:
    """Those of as many sources, drawn with replacement."""
    return np.concatenate([by_source[i] for i in draw.integers(len(by_source), size=len(by_source))])


def part(dropped: Figures) -> str:
    """A part of the whole, with its interval after Wilson."""
    n, share = len(dropped), dropped.mean()
    middle, half = share + _Z**2 / n / 2, _Z * math.sqrt(share * (1 - share) / n + _Z**2 / n**2 / 4)
    low, high = (abs(each) / (1 + _Z**2 / n) for each in (middle - half, middle + half))
    return f"{share:.0%} [{low:.0%}, {high:.0%}]"


def auc(high: Figures, low: Figures) -> float:
    """How often a text of the first has a larger figure than one of the second."""
    order = np.sort(low)
    below, upto = np.searchsorted(order, high, "left"), np.searchsorted(order, high, "right")
    return float((below + upto).mean() / 2 / len(low))


if __name__ == "__main__":
    main()
