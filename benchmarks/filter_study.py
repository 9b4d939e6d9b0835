"""Does perplexity tell junk from text? A study on real text.

    python benchmarks/filter_study.py FOLDER [--count 40]

Texts of two sides that have no document in common (``filter_study_texts.py``) are
written to FOLDER as ``known.jsonl`` and ``judged.jsonl``; ``trusted.jsonl`` are the
good ones of the first. What nonplus finds out about the first side decides about the
second, and all that is printed is about that one. A second call goes on with what is in
the folder.

Systems: the bounds in bits per byte that ``nonplus filter calibrate`` tells from the
trusted texts, for the n-gram model and for the neural one; the cascade of both that
``nonplus filter cascade`` makes for the latter; each also guarded, by the bound of
repetition that ``calibrate`` recommends and by the worst window that 99 % of the
trusted texts do not exceed; and the guarded n-gram model after garbage was trimmed.
"""

import argparse
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import filter_study_texts as made
import numpy as np
from filter_study_figures import Texts, Told
from filter_study_junk import KINDS, WITH_TAIL

import nonplus
from nonplus.filtering.calibration.from_files import calibrated
from nonplus.filtering.calibration.options import CalibrationOptions
from nonplus.filtering.cascade.file import to_toml
from nonplus.filtering.cascade.making import CascadeOptions, made_cascade

FIRST = "bundled:ngram"
GUARD = 0.99  # of the trusted texts
JUNK = (*KINDS, made.FOREIGN)
WORK = nonplus.WorkOptions(workers=1)
READING = nonplus.ReadOptions(id_field="id", source_field="kind")
PLAIN = nonplus.ScoreOptions()
LOST = (0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Rules:
    """What is kept by the figures of a model: by its bounds in bits per byte, of which
    ``high`` is one, and by its guards besides.
    """

    high: float
    plain: str
    guards: str

    @property
    def guarded(self) -> str:
        """By both."""
        return f"{self.plain} and {self.guards}"


def main() -> None:
    """Do what is not done yet, and print."""
    parser = argparse.ArgumentParser(description="How well perplexity tells junk from text.")
    parser.add_argument("folder", type=Path, help="for the texts and what is made of them")
    parser.add_argument("--count", type=int, default=40, help="texts of each kind on each side")
    parser.add_argument("--size", type=int, default=1500, help="characters of each, about")
    parser.add_argument("--second", default="bundled:base", help="the neural model")
    parser.add_argument("--sample", type=int, default=400, help="texts that the cascade is made from")
    options = parser.parse_args()
    made.write(options.folder, options.count, options.size)
    systems = decided(options.folder, options.second, options.sample)
    texts = read(options.folder / "judged.jsonl")
    Judged(texts, systems).say()
    say_trimmed(texts, systems["n-gram, trimmed"])


def read(file: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON Lines."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def decided(folder: Path, second: str, sample: int) -> dict[str, list[dict[str, Any]]]:
    """The judged texts with what nonplus says of each, by system."""
    ngram, neural = rules(folder, "first", FIRST), rules(folder, "second", second)
    print(f"n-gram: {ngram.guarded}\nneural: {neural.guarded}")
    cascade = cascade_of(folder, neural.plain, CascadeOptions(second=second, sample=sample))
    scoring = nonplus.ScoreOptions(cascade=cascade)
    both = replace(neural, guards=ngram.guards)  # worst windows stay those of the first model
    found = run(folder, "n-gram", ngram) | run(folder, "cascade", both, scoring=scoring)
    found |= run(folder, "neural", neural, model=second)
    trimming = nonplus.ScoreOptions(trim=ngram.high)
    _, trimmed = run(folder, "n-gram, trimmed", ngram, scoring=trimming).values()
    return found | {"n-gram, trimmed": trimmed}


def rules(folder: Path, name: str, model: str) -> Rules:
    """What is recommended on the known side, told from the trusted texts."""
    file = folder / f"{name}.json"
    if not file.exists():
        options = CalibrationOptions(model=model, trusted=f"{folder}/trusted.jsonl", sample=10**6)
        bounds = calibrated([f"{folder}/known.jsonl"], options, reading=READING).calibration.bounds
        if bounds is None or bounds.high is None:
            raise SystemExit(f"no bound is recommended for {model}")
        texts = [row["text"] for row in read(folder / "trusted.jsonl")]
        worst = np.quantile(nonplus.Scorer(model).columns(texts).worst, GUARD)
        file.write_text(json.dumps([bounds.high, bounds.low, bounds.repetition, round(float(worst), 2)]))
    high, low, repetition, worst = json.loads(file.read_text())
    plain = f"bits_per_byte <= {high}" + (f" and bits_per_byte >= {low}" if low else "")
    guards = f"worst_window <= {worst}" + (f" and repetition <= {repetition}" if repetition else "")
    return Rules(high, plain, guards)


def cascade_of(folder: Path, rule: str, options: CascadeOptions) -> Path:
    """What ``nonplus filter cascade`` makes of the known side."""
    file = folder / "cascade.toml"
    if not file.exists():
        cascade = made_cascade([f"{folder}/known.jsonl"], keep=rule, options=options, reading=READING)
        file.write_text(to_toml(cascade.cascade, cascade.said))
    return file


def run(
    folder: Path, name: str, rules: Rules, *, model: str = FIRST, scoring: nonplus.ScoreOptions = PLAIN
) -> dict[str, list[dict[str, Any]]]:
    """The judged texts as ``nonplus filter run`` leaves them, and split by the guards.

    What repeats itself is measured only where a rule asks for it.
    """
    first, second = folder / name, folder / f"{name}, guarded"
    before = time.process_time()
    nonplus.filter_corpus(
        [f"{folder}/judged.jsonl"], str(first), keep=f"{rules.plain} and repetition <= 1",
        model=model, reading=READING, scoring=scoring, work=WORK,
    )  # fmt: skip
    print(f"{name}: {time.process_time() - before:.1f} CPU s")
    nonplus.split_corpus(str(first), str(second), keep=rules.guarded, work=WORK)
    return {name: records(first), f"{name}, guarded": records(second)}


def records(out: Path) -> list[dict[str, Any]]:
    """All that a run wrote, in the order of its input."""
    rows = [row for folder in ("kept", "dropped") for file in (out / folder).glob("*") for row in read(file)]
    return sorted(rows, key=lambda row: int(row["id"].split()[1]))


class Judged:
    """The judged texts, and what each system makes of them."""

    def __init__(self, texts: Sequence[Mapping[str, Any]], systems: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self.texts = Texts([row["kind"] for row in texts], [row["document"] for row in texts])
        self.documents = np.array([row["document"] for row in texts])
        self.kinds = list(dict.fromkeys(row["kind"] for row in texts))
        self.dropped = {
            name: np.array([row["nonplus_decision"] == "dropped" for row in rows]) for name, rows in systems.items()
        }
        self.bits = {
            name: np.array([row["nonplus_bits_per_byte"] for row in systems[name]])
            for name in ("n-gram", "cascade", "neural")
        }

    def say(self) -> None:
        """Print the tables."""
        say_table("kind", "texts", "documents", *self.dropped, rows=map(self.of_kind, self.kinds))
        say_table(
            "system", "good text lost", "junk dropped", "precision if half is junk", "if a tenth is",
            rows=map(self.of_system, self.dropped),
        )  # fmt: skip
        kinds = {kind: (kind,) for kind in self.kinds if kind not in made.GOOD} | {"all junk": JUNK}
        say_table("AUC", *self.bits, rows=(self.areas(name, own) for name, own in kinds.items()))
        say_table("good text lost", *self.bits, rows=map(self.at, LOST))

    def of_kind(self, kind: str) -> Iterable[str]:
        """What each system drops of a kind."""
        own = self.texts.kinds == kind
        parts = (f"{100 * dropped[own].mean():.0f} %" for dropped in self.dropped.values())
        return kind, f"{own.sum()}", f"{len({*self.documents[own]})}", *parts

    def of_system(self, name: str) -> Iterable[str]:
        """What a system loses and finds, and how much of what it drops is junk."""
        dropped = self.dropped[name]
        lost, found = self.texts.part(dropped, made.GOOD), self.texts.part(dropped, JUNK)
        precisions = (share * found / (share * found + (1 - share) * lost) for share in (0.5, 0.1))
        return name, *(Told.of(each).percent(1) for each in (lost, found, *precisions))

    def areas(self, name: str, kinds: Sequence[str]) -> Iterable[str]:
        """Those under the ROC curves, against the good texts."""
        areas = (self.texts.area(bits, kinds, made.GOOD) for bits in self.bits.values())
        return name, *(Told.of(each).plain() for each in areas)

    def at(self, lost: float) -> Iterable[str]:
        """The junk that is dropped where so much of the judged good text is."""
        found = (self.texts.part_at(lost, bits, JUNK, made.GOOD) for bits in self.bits.values())
        return f"{100 * lost:.0f} %", *(Told.of(each).percent(1) for each in found)


def say_table(*heads: str, rows: Iterable[Iterable[str]]) -> None:
    """Print a table in Markdown."""
    print(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def say_trimmed(texts: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print what was cut off of good texts, and of those with a tail of garbage."""
    heads = ("kind", "texts", "trimmed", "good bytes cut off", "bytes of garbage left")
    say_table(*heads, rows=(trimmed(kind, texts, rows) for kind in (*made.GOOD, WITH_TAIL)))


def trimmed(kind: str, texts: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """What of the texts of a kind was cut off, and what was not."""
    own = [(text["text"], row) for text, row in zip(texts, rows, strict=True) if text["kind"] == kind]
    cut = np.array([row["nonplus_trimmed_bytes"] for _, row in own])
    size = np.array([len(text.encode()) for text, _ in own])
    tail = np.array([len(text.rpartition("\n")[2].encode()) if kind == WITH_TAIL else 0 for text, _ in own])
    lost, left = (
        np.maximum(cut - tail, 0).sum() / (size - tail).sum(),
        np.maximum(tail - cut, 0).sum() / max(1, tail.sum()),
    )
    return kind, f"{len(own)}", f"{100 * (cut > 0).mean():.0f} %", f"{100 * lost:.2f} %", f"{100 * left:.1f} %"


if __name__ == "__main__":
    main()
