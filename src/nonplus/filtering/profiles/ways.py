"""What the ways in which tools read a text do to its perplexity under one model.

Letters in shapes: D documents.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, final

import numpy as np

from nonplus.errors import BadInput
from nonplus.measure.formatting import jsonable
from nonplus.measure.lists import in_lists
from nonplus.measure.records import Document, Floats
from nonplus.measure.scores import ScoredTexts
from nonplus.models.ngram.model import NgramModel
from nonplus.models.ngram.normalizers.aligned import Unit
from nonplus.models.ngram.normalizers.named import named

_TOGETHER = 1 << 22  # characters of documents that are scored each way before the next are read
_ENDS = (0.01, 0.5, 0.99)


@final
@dataclass(frozen=True, slots=True)
class Way:
    """How a tool reads a text: a normaliser, what a sentence is, and what stands for a
    newline before that.
    """

    name: str
    normalizer: str
    unit: Unit
    newline: str = "\n"

    def of(self, document: Document) -> Document:
        """The document as it comes to the normaliser."""
        return replace(document, text=document.text.replace("\n", self.newline))


WAYS = (
    Way("cc_net", "ccnet-1", "document"),
    Way("datatrove", "datatrove-1", "document"),
    Way("edugp, DCLM", "edugp-1", "document"),
    Way("data-juicer", "datajuicer-1", "document"),
    Way("cc_net, newlines as blanks", "ccnet-1", "document", newline=" "),
    Way("cc_net, line by line", "ccnet-1", "line"),
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a way of reading does to the perplexities of some documents.

    ``kept`` of them are below the threshold, ``differ`` are on the other side of it
    than as the model itself reads texts. ``times`` is how many times as large the
    perplexity of a document is then: for one in a hundred at most the first figure, for
    half of them the second, for 99 the third. ``correlation`` is Spearman's, ``None``
    where all ranks are equal.
    """

    way: Way
    kept: int
    differ: int
    median: float
    times: tuple[float, float, float]
    correlation: float | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """The same documents read in several ways; the first is the model's own."""

    model: str
    threshold: float
    documents: int
    ways: tuple[Profile, ...]

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        ways = [
            {
                **asdict(each.way),
                "kept": each.kept,
                "differ": each.differ,
                "median": jsonable(each.median),
                "times": [jsonable(value) for value in each.times],
                "correlation": each.correlation,
            }
            for each in self.ways
        ]
        return {"model": self.model, "threshold": self.threshold, "documents": self.documents, "ways": ways}


def profiled(documents: Iterable[Document], model: NgramModel, *, threshold: float = 200.0) -> Profiles:
    """Documents scored once for each way of reading them.

    Raises:
        BadInput: the threshold is no perplexity, or there are no documents.
    """
    if not 1 <= threshold < math.inf:
        raise BadInput(f"threshold={threshold} is no perplexity, which is at least 1; use e.g. threshold=200")
    rules = model.protocol.rules
    own = Way("its own", rules["normalizer"], rules["unit"])
    others = [way for way in WAYS if replace(way, name=own.name) != own]
    models = {own: model} | {way: model.read_by(named(way.normalizer), way.unit) for way in others}
    found: dict[Way, list[Floats]] = {way: [] for way in models}
    for together in in_lists(documents, size=lambda each: len(each.text), least=_TOGETHER):
        for way, reader in models.items():
            found[way].append(log_perplexities(reader, [way.of(document) for document in together]))
    if not found[own]:
        raise BadInput("there are no documents to compare the ways on; name a file with text")
    columns = {way: np.concatenate(parts) for way, parts in found.items()}
    ways = tuple(_profile(way, column_D, columns[own], math.log(threshold)) for way, column_D in columns.items())
    return Profiles(model=model.name, threshold=threshold, documents=len(columns[own]), ways=ways)


def log_perplexities(model: NgramModel, documents: Sequence[Document]) -> Floats:
    """The mean surprisal of the tokens of each document in nats, shape (D,)."""
    return np.concatenate([_means(scored) for scored in model.score(documents, alternatives=0)])


def _means(scored: ScoredTexts) -> Floats:
    means_D: Floats = np.add.reduceat(scored.nats, scored.offsets[:-1]) / np.diff(scored.offsets)
    return means_D


def _profile(way: Way, column_D: Floats, own_D: Floats, limit: float) -> Profile:
    kept_D = column_D < limit
    with np.errstate(invalid="ignore"):
        times_D = np.where(column_D == own_D, 0.0, column_D - own_D)  # also where both are infinite
    low, middle, high = (float(np.exp(each)) for each in np.quantile(times_D, _ENDS, method="inverted_cdf"))
    return Profile(
        way=way,
        kept=int(kept_D.sum()),
        differ=int((kept_D != (own_D < limit)).sum()),
        median=float(np.exp(np.quantile(column_D, 0.5, method="inverted_cdf"))),
        times=(low, middle, high),
        correlation=spearman(column_D, own_D),
    )


def spearman(first_D: Floats, second_D: Floats) -> float | None:
    """The correlation of two columns' ranks; equal values share the mean of theirs."""
    ranks = [_ranks(first_D), _ranks(second_D)]
    if not all(each.any() for each in ranks):
        return None
    return float(ranks[0] @ ranks[1] / math.sqrt((ranks[0] @ ranks[0]) * (ranks[1] @ ranks[1])))


def _ranks(column_D: Floats) -> Floats:
    """Ranks around 0."""
    _, value_D, counts = np.unique(column_D, return_inverse=True, return_counts=True)
    stops = np.cumsum(counts)
    ranks_D: Floats = (stops - (counts - 1) / 2 - (len(column_D) + 1) / 2)[value_D]
    return ranks_D
