"""The figures of a bundled model, each with its interval and its conditions.

The texts are in ``NONPLUS_DATA``.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nonplus import Document, Protocol
from nonplus.corpora import open_corpus
from nonplus.measure.forward import RunOptions
from nonplus.measure.interfaces import ScoresTexts, TextScorer, WindowModel
from nonplus.measure.protocol.lm_eval_text import detokenize
from nonplus.measure.report import Report
from nonplus.measure.session import Measurement, evaluate
from nonplus.measure.statistics.fixed_point import fixed
from nonplus.measure.statistics.intervals import token_interval
from nonplus.measure.statistics.sums import Sums
from nonplus.measure.statistics.tally import Tally

LEVEL = 0.95
LANGUAGES = {
    "arb": "Arabic",
    "cmn_hans": "Chinese",
    "ell_monotonic": "Greek",
    "eng": "English",
    "fra": "French",
    "hin": "Hindi",
    "jpn": "Japanese",
    "kor": "Korean",
    "rus": "Russian",
    "spa": "Spanish",
    "tha": "Thai",
}
DOMAINS = {
    "eval/wiki2019/test.txt": "Wikipedia articles of 2019, held out",
    "domains/novels.test.txt": "novels (Gissing, Doyle)",
    "domains/medical.test.txt": "medical questions and answers (MedQuAD)",
    "domains/legal_contracts.test.txt": "contracts (EDGAR)",
    "domains/legal_dc.test.txt": "law of the District of Columbia",
    "eval/tinyshakespeare.txt": "Shakespeare",
}

Bounds = tuple[float, float | None, float | None]  # a value and its interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure, its interval at ``LEVEL``, and its conditions.

    ``low`` and ``high`` are ``None`` if the text has too few documents for an interval.
    ``group`` is the table it belongs to. ``fingerprint`` and ``signature`` are those of
    the protocol.
    """

    group: str
    text: str
    quantity: str
    value: float
    low: float | None
    high: float | None
    clusters: str
    documents: int
    tokens: int
    bytes: int
    signature: str
    fingerprint: str


def figures(model: WindowModel | TextScorer, data: Path) -> Iterator[Figure]:
    """All figures of the model card, in its order."""
    wikitext = list(open_corpus(f"wikitext:{data / 'eval' / 'wikitext2' / 'wiki.test.raw'}"))
    if isinstance(model, ScoresTexts):
        yield from corpus("WikiText-2", "WikiText-2 test", detokenized(wikitext), model)
    else:
        protocols = {"WikiText-2 test": Protocol(), "WikiText-2 test as lm-eval counts": Protocol.named("lm-eval")}
        for name, protocol in protocols.items():
            yield from corpus("WikiText-2", name, wikitext, model, protocol.but(detokenize="wikitext"))
        yield from lambada(model, data / "eval" / "lambada" / "lambada_test.jsonl")
    for file, name in DOMAINS.items():
        yield whole("domains", name, data / file, model)
    for file in sorted((data / "domains" / "masc").glob("*.txt")):
        yield whole("MASC", file.stem.replace("-", " "), file, model)
    for stem, name in sorted(LANGUAGES.items(), key=lambda pair: pair[1]):
        yield whole("UDHR", name, data / "domains" / "udhr" / f"{stem}.txt", model)


def detokenized(documents: list[Document]) -> list[Document]:
    """Documents as the protocols' ``detokenize="wikitext"`` makes them, for a model
    that has its own protocol.
    """
    return [replace(document, text=detokenize(document.text)) for document in documents]


def corpus(
    group: str,
    text: str,
    documents: list[Document],
    model: WindowModel | TextScorer,
    protocol: Protocol | None = None,
) -> Iterator[Figure]:
    """Bits per byte and word perplexity, for documents enough to be the clusters.

    Without a protocol, the model's own is used if it has one, else ``full``.
    """
    measurement = Measurement(model, protocol, level=LEVEL)
    sums = [each for _, batch in measurement.run(documents) for each in batch]
    report = measurement.report()
    nats = [each.nats for each in sums]
    per_byte = ratio(nats, [each.sums.bytes * math.log(2) for each in sums])
    per_word = exponential(ratio(nats, [each.sums.words for each in sums]))
    yield figure(group, text, "bits per byte", per_byte, f"{len(nats):,} documents", report)
    yield figure(group, text, "word perplexity", per_word, f"{len(nats):,} documents", report)


def lambada(model: WindowModel, file: Path) -> Iterator[Figure]:
    """The last word of each passage, given the rest of it.

    Its perplexity, and how often each of its tokens is the most probable one.
    """
    measurement = Measurement(model, Protocol(), level=LEVEL)
    nats, hits = [], []
    for texts, sums in measurement.run(passages(file), options=RunOptions(alternatives=1)):
        nats += [each.nats for each in sums]
        hits += [float(np.all(each.readings.rank == 1)) for each in texts if each.readings]
    report, ones = measurement.report(), [1.0] * len(nats)
    clusters = f"{len(nats):,} documents"
    yield figure("LAMBADA", "LAMBADA, last words", "perplexity", exponential(ratio(nats, ones)), clusters, report)
    yield figure("LAMBADA", "LAMBADA, last words", "accuracy", ratio(hits, ones), clusters, report)


def passages(file: Path) -> Iterator[Document]:
    """Each passage of LAMBADA: its last word after a space, and the rest as context."""
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            context, _, word = json.loads(line)["text"].rpartition(" ")
            yield Document(text=f" {word}", context=context, id=f"{file.name}:{number}")


def whole(group: str, text: str, file: Path, model: WindowModel | TextScorer) -> Figure:
    """Bits per byte of a file as one document, which has no interval."""
    report = evaluate(open_corpus(file), model=model, level=LEVEL)
    return figure(group, text, "bits per byte", (report.to_dict()["bits_per_byte"], None, None), "1 document", report)


def exponential(logs: Bounds) -> Bounds:
    """Exp of a value and of its interval."""
    mean, low, high = logs
    return math.exp(mean), None if low is None else math.exp(low), None if high is None else math.exp(high)


def ratio(y: Iterable[float], n: Iterable[float]) -> Bounds:
    """``sum(y) / sum(n)`` over documents, and its interval as a report has it."""
    documents = [
        Sums(nats=fixed(nats), tokens=fixed(units), squares=0, scored=1) for nats, units in zip(y, n, strict=True)
    ]
    tally = Tally.of_sums(documents)
    interval = token_interval(tally, level=LEVEL)
    mean = tally.nats / tally.tokens
    return (mean, None, None) if interval is None else (mean, interval.low, interval.high)


def figure(group: str, text: str, quantity: str, bounds: Bounds, clusters: str, report: Report) -> Figure:
    """A figure with the counts and conditions of its report."""
    value, low, high = bounds
    tally = report.tally
    return Figure(
        group=group,
        text=text,
        quantity=quantity,
        value=value,
        low=low,
        high=high,
        clusters=clusters,
        documents=tally.documents,
        tokens=tally.scored,
        bytes=tally.bytes,
        signature=report.protocol.signature,
        fingerprint=report.protocol.fingerprint,
    )
