"""How often intervals contain the truth, on real texts.

    python benchmarks/intervals.py [--quick] [--json FILE] [--only NAME] [--smith POWER]

Each corpus is scored once with ``bundled:tiny`` and then taken as the population:
samples of it are drawn with replacement, and the interval of each sample should contain
the figure of the whole corpus 95 times in 100. Needs the shared texts
(``NONPLUS_DATA``). The sums are kept in the folder for temporary files.
"""

import argparse
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import nonplus
from nonplus import Document
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.session import Measurement
from nonplus.measure.statistics import clusters
from nonplus.measure.statistics.fixed_point import fixed, run_sums, units
from nonplus.measure.statistics.intervals import byte_interval, many_documents, spread_within, token_interval
from nonplus.measure.statistics.stretches import Stretch, quarters
from nonplus.measure.statistics.student import student_quantile
from nonplus.measure.statistics.sums import Sums, counted_tokens, total_nats
from nonplus.measure.statistics.tally import Tally

DATA = Path(os.environ.get("NONPLUS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SIZES = (3, 5, 10, 20, 30, 100)
LONG = 50  # times as long as the others
UNTIL = {"LAMBADA passages": (0.1, 0.05, 0.02), "MASC paragraphs": (0.1, 0.05)}
ONE = {
    "Shakespeare": "eval/tinyshakespeare.txt",
    "novels": "domains/novels.test.txt",
    "law": "domains/legal_dc.test.txt",
}
INTERVALS = {"tokens": token_interval, "bytes": byte_interval}

LIMIT = "limit:"  # what a sample cannot know; outside the bars

Population = list[Sums]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Samples of each design, documents of a corpus (0 for all), tokens of a text."""

    samples: int = 10_000
    documents: int = 0
    stretch: tuple[int, ...] = (2_000, 8_000, 32_000)


QUICK = Settings(samples=10, documents=15, stretch=(200,))


def main() -> None:
    """Measure, print, and write everything to a file if asked."""
    parser = argparse.ArgumentParser(description="Coverage of the intervals on real texts.")
    parser.add_argument("--quick", action="store_true", help="takes seconds, to check that it runs")
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    parser.add_argument("--only", default="", help="only designs of which the name contains this")
    parser.add_argument("--smith", type=float, default=clusters.SMITH, help="another power than that of the package")
    asked = parser.parse_args()
    clusters.SMITH = asked.smith
    settings = QUICK if asked.quick else Settings()
    rows = []
    for name, measure in designs(settings):
        if asked.only in name:
            for row in measure():
                rows.append(row)
                print(shown(row), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))


def designs(settings: Settings) -> Iterator[tuple[str, Callable[[], Iterator[Row]]]]:
    """The name of each design, and what measures it and gives its rows."""
    model, samples = nonplus.open_model("bundled:tiny"), settings.samples
    corpora = {name: population(list(read())[: settings.documents or None], model) for name, read in READ.items()}
    masc = corpora["MASC documents"]
    long = lengthened(masc)
    drawn = {f"{name}, n = {n}": (at_random(those, n), true(those)) for name, those in corpora.items() for n in SIZES}
    drawn |= {
        f"one of n is {LONG} times as long, n = {n}": (one_long(masc, n), equal_truth(masc)) for n in (10, 30, 100)
    }
    drawn |= {f"{LIMIT} MASC documents, n = {n}": (at_random(masc, n), true(masc)) for n in (200, 300)}
    drawn |= {f"{LIMIT} 1 in 100 is long, n = {n}": (at_random(long, n), true(long)) for n in (10, 30, 100)}
    for name, (draw, truth) in drawn.items():
        yield name, partial(covered, name, draw, truth, samples)
    for name, limits in UNTIL.items():
        for until in limits:
            design = f"{name}, until {until:.0%}"
            yield design, partial(stopped, design, corpora[name], until, samples)
    for name, those in corpora.items():
        for n in (30, 100):
            design = f"mean of texts: {name}, n = {n}"
            yield design, partial(of_means, design, those, n, samples)
    for name, file in ONE.items():
        for width in settings.stretch:
            design = f"spread within one text: {name}, {width:,} tokens"
            yield design, partial(of_one, design, DATA / file, width, model, settings)


def shown(row: Row) -> str:
    """A line of the table; the bars of the project are marked where they are missed."""
    missed = row["bar"] and not 92 <= row["covered"] <= row["bar"]
    width = "" if row["width"] is None else f" x{row['width']:.2f}"
    return f"{row['design']:62}{row['unit']:8}{row['covered']:6.1f}{width}{'  MISSED' if missed else ''}"


def row_of(design: str, unit: str, held: list[bool], **more: Any) -> Row:
    """``bar`` is the highest coverage that is asked for, 0 where none is."""
    return {"design": design, "unit": unit, "covered": 100 * float(np.mean(held)), "width": None, "bar": 0} | more


# Populations.


def lambada() -> Iterator[Document]:
    """The passages of LAMBADA."""
    with (DATA / "eval" / "lambada" / "lambada_test.jsonl").open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            yield Document(text=json.loads(line)["text"], id=str(number))


def wikitext() -> Iterator[Document]:
    """The articles of the test part of WikiText-2."""
    yield from nonplus.open_corpus(f"wikitext:{DATA / 'eval' / 'wikitext2' / 'wiki.test.raw'}")


def masc() -> Iterator[Document]:
    """The documents of MASC: a blank line ends each."""
    for file in sorted((DATA / "domains" / "masc").glob("*.txt")):
        for number, text in enumerate(file.read_text(encoding="utf-8").split("\n\n")):
            if text.strip():
                yield Document(text=text.strip(), id=f"{file.stem} {number}")


def paragraphs() -> Iterator[Document]:
    """Eight lines each of the documents of MASC, where a line is about a sentence."""
    for document in masc():
        lines = document.text.split("\n")
        for first in range(0, len(lines), 8):
            text = "\n".join(lines[first : first + 8])
            if text.strip():
                yield Document(text=text, id=f"{document.id} {first}")


READ: dict[str, Callable[[], Iterator[Document]]] = {
    "LAMBADA passages": lambada,
    "MASC paragraphs": paragraphs,
    "MASC documents": masc,
    "WikiText-2 articles": wikitext,
}


def population(documents: list[Document], model: Any) -> Population:
    """The sums of each document with a token, from the last time if nothing changed."""
    known = hashlib.sha256(f"{model.identity}{nonplus.__version__}".encode())
    for document in documents:
        known.update(document.text.encode() + b"\0")
    file = Path(tempfile.gettempdir()) / f"nonplus-intervals-{known.hexdigest()[:16]}.json"
    if not file.exists():
        run = Measurement(model, Protocol()).run(documents)
        sums = [list(each.sums) for _, batch in run for each in batch if each.sums.tokens]
        file.write_text(json.dumps(sums))
    return [Sums(*each) for each in json.loads(file.read_text())]


def surprisals(text: str, model: Any, settings: Settings) -> np.ndarray:
    """Of each token of one long text."""
    size = 4_000 if settings.documents else len(text)
    known = hashlib.sha256(f"{model.identity}{nonplus.__version__}{text[:size]}".encode()).hexdigest()[:16]
    file = Path(tempfile.gettempdir()) / f"nonplus-intervals-{known}.npy"
    if not file.exists():
        run = Measurement(model, Protocol()).run([text[:size]])
        np.save(file, np.concatenate([texts.nats for texts, _ in run]))
    return np.load(file)


def true(those: Population) -> dict[str, float]:
    """Nats per token and per byte of a whole population."""
    tally = Tally.of_sums(those)
    return {"tokens": tally.nats / tally.tokens, "bytes": tally.nats / (tally.bytes << 40)}


# Designs: each draws one sample.

Draw = Callable[[np.random.Generator], list[Sums]]


def at_random(those: Population, n: int) -> Draw:
    """``n`` documents, with replacement."""
    return lambda random: [those[place] for place in random.integers(0, len(those), n)]


def resized(sums: Sums, times: int) -> Sums:
    """A document as surprising per token and per byte, of ``times`` 1,000 tokens."""
    n = 1000 * times
    nats, size = (value / sums.tokens * n for value in (sums.nats, sums.bytes << 40))
    return Sums(nats=fixed(nats), tokens=n << 40, squares=0, scored=n, bytes=round(size))


def one_long(those: Population, n: int) -> Draw:
    """Always one that is LONG times as long as the others."""
    return lambda random: [
        resized(each, LONG if place == 0 else 1) for place, each in enumerate(at_random(those, n)(random))
    ]


def lengthened(those: Population) -> Population:
    """Twenty of each, all of a size, but one in twenty of the fifth that is most
    surprising is LONG times as long: 1 in 100 of all.
    """
    ranked = sorted(those, key=lambda each: each.nats / each.tokens)
    first = len(ranked) * 4 // 5
    long = [resized(each, LONG) for each in ranked[first:]]
    return [resized(each, 1) for each in ranked[:first] * 20 + ranked[first:] * 19] + long


def equal_truth(those: Population) -> dict[str, float]:
    """Of documents whose length does not depend on how surprising they are."""
    return true([resized(each, 1) for each in those])


# Coverage.


def covered(design: str, draw: Draw, truth: dict[str, float], samples: int) -> Iterator[Row]:
    """How often the intervals hold, and their median half-width / that which would."""
    random = np.random.default_rng(0)
    errors: dict[str, list[float]] = {unit: [] for unit in INTERVALS}
    halves: dict[str, list[float]] = {unit: [] for unit in INTERVALS}
    tenths = n = 0
    for _ in range(samples):
        sample = draw(random)
        tally, n = Tally.of_sums(sample), len(sample)
        tenths += 10 * tally.largest[0].tokens >= tally.tokens
        for unit, interval_of in INTERVALS.items():
            interval = interval_of(tally)
            if interval is None:
                raise SystemExit(f"{design}: no interval")
            mean = total_nats(tally) / (counted_tokens(tally) if unit == "tokens" else tally.bytes)
            errors[unit].append(abs(mean - truth[unit]))
            halves[unit].append(interval.high - mean)
    for unit in INTERVALS:
        held = [error <= half for error, half in zip(errors[unit], halves[unit], strict=True)]
        width = float(np.median(halves[unit]) / np.quantile(errors[unit], 0.95))
        bar = 0 if design.startswith(LIMIT) else 97 if n >= 30 and tenths < samples / 100 else 100
        yield row_of(design, unit, held, width=width, bar=bar, tenths=100 * tenths / samples)


def stopped(design: str, those: Population, until: float, samples: int) -> Iterator[Row]:
    """How often the interval holds at which ``--until`` stops.

    The interval is asked for only where a plain error bar is nearly narrow enough.
    """
    random, truth = np.random.default_rng(0), true(those)["tokens"]
    y, n = (np.array([getattr(each, column) / 2**40 for each in those]) for column in ("nats", "tokens"))
    most = math.ceil(20 + (4 * (y / n).std() / until) ** 2)
    held, counts = [], []
    for _ in range(samples):
        places = random.integers(0, len(those), most)
        found, count = first_narrow([those[place] for place in places], y[places], n[places], until)
        held.append(found.low <= truth <= found.high)
        counts.append(count)
    yield row_of(f"{design}, {np.mean(counts):.0f} documents", "tokens", held, bar=100)


def first_narrow(sample: list[Sums], y: np.ndarray, n: np.ndarray, until: float) -> tuple[Any, int]:
    """The interval at which a run stops, and how many documents it then has read."""
    ratio, tokens = np.cumsum(y) / np.cumsum(n), np.cumsum(n)
    squares = np.cumsum(y * y) - 2 * ratio * np.cumsum(y * n) + ratio**2 * np.cumsum(n * n)
    halves = 1.96 * np.sqrt(np.maximum(squares, 0)) / tokens
    candidates = np.flatnonzero((np.exp(0.99 * halves) - 1 <= until) & (np.arange(len(sample)) >= 19))
    tally, done = Tally(), 0
    for last in candidates:
        tally, done = tally + Tally.of_sums(sample[done : last + 1]), int(last) + 1
        if many_documents(tally):
            interval, mean = token_interval(tally), total_nats(tally) / counted_tokens(tally)
            if interval is not None and math.exp(interval.high - mean) - 1 <= until:
                return interval, done
    raise SystemExit(f"{len(sample)} documents are not enough for until {until}")


def of_means(design: str, those: Population, n: int, samples: int) -> Iterator[Row]:
    """What intervals of the mean of texts' perplexities would hold: why none is given.

    The plain one, that of the logarithm, and Cox's for log-normal values (Zhou and Gao,
    *Statistics in Medicine* 16, 1997).
    """
    random = np.random.default_rng(0)
    logs = np.array([each.nats / each.tokens for each in those])
    truth, quantile = np.exp(logs).mean(), student_quantile(0.975, n - 1)
    held: dict[str, list[bool]] = {"plain": [], "logarithm": [], "Cox": []}
    for _ in range(samples):
        log = logs[random.integers(0, len(logs), n)]
        mean, error = np.exp(log).mean(), np.exp(log).std(ddof=1) / math.sqrt(n)
        variance = log.var(ddof=1)
        cox = quantile * math.sqrt(variance / n + variance**2 / (2 * (n + 1)))
        held["plain"].append(abs(mean - truth) <= quantile * error)
        held["logarithm"].append(abs(math.log(mean / truth)) <= quantile * error / mean)
        held["Cox"].append(abs(log.mean() + variance / 2 - math.log(truth)) <= cox)
    for method, those_held in held.items():
        yield row_of(f"{design}, {method}", "texts", those_held)


def of_one(design: str, file: Path, width: int, model: Any, settings: Settings) -> Iterator[Row]:
    """How often the spread within a stretch of a text holds the figure of all of it."""
    nats = surprisals(file.read_text(encoding="utf-8"), model, settings)
    random = np.random.default_rng(0)
    whole, truth, held = units(nats), float(nats.mean()), []
    for begin in random.integers(0, len(nats) - width + 1, settings.samples):
        part = whole[begin : begin + width]
        bounds = quarters(0, width)
        sums = zip(run_sums(part, bounds).tolist(), np.diff(bounds).tolist(), strict=True)
        stretches = tuple(Stretch(y, n << 40) for y, n in sums)
        tally = Tally(documents=1, nats=int(part.sum()), tokens=width << 40, stretches=stretches)
        spread = spread_within(tally)
        if spread is None:
            raise SystemExit(f"{design}: no spread")
        held.append(spread.low <= truth <= spread.high)
    yield row_of(design, "tokens", held)


if __name__ == "__main__":
    main()
