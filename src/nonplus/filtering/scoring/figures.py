"""The figures of documents, and by which model each has them: what a unit is cut by.

Letters in shapes: D documents.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, final

from nonplus.filtering.scoring.columns import ScoreColumns
from nonplus.filtering.scoring.scorer import Scorer, score_columns
from nonplus.measure.records import Ints
from nonplus.measure.surprisals import Surprisals

Languages = Sequence[str | None]  # (D,) as the records or an identifier have them


@final
@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Columns (D,), and the name of the model of each row; ``None`` where no model is
    for that document.
    """

    columns: ScoreColumns
    models: Sequence[str | None]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a model says of the tokens of some documents, which stand at ``places``."""

    model: str
    places: Ints
    surprisals: Surprisals


class Judge(Protocol):
    """One model or several that give each document its figures. It travels by pickle.

    A document has the same figures in whatever batch it comes.
    """

    @property
    def name(self) -> str:
        """What it is, for readers."""
        ...

    @property
    def identity(self) -> str:
        """A digest of all that decides a figure besides the text and its language."""
        ...

    @property
    def in_windows(self) -> bool:
        """Whether a model reads windows of tokens, in batches, as neural ones do."""
        ...

    def model_of(self, language: str | None) -> str | None:
        """The name of the model for documents in a language; ``None`` for none."""
        ...

    def readings(self, texts: Sequence[str], languages: Languages) -> Iterator[Reading]:
        """The surprisals of all documents that have a model and a token, each once."""
        ...

    def said_of(self, models: Sequence[str | None]) -> dict[str, Sequence[str | None]]:
        """What is known of documents with these models, beside their figures."""
        ...


@final
@dataclass(frozen=True, slots=True)
class OneModel:
    """The same model for all documents, whatever their language."""

    scorer: Scorer

    @property
    def name(self) -> str:
        """The model's name."""
        return self.scorer.name

    @property
    def identity(self) -> str:
        """That of the scorer."""
        return self.scorer.identity

    @property
    def in_windows(self) -> bool:
        """That of the scorer."""
        return self.scorer.in_windows

    def readings(self, texts: Sequence[str], languages: Languages) -> Iterator[Reading]:
        """The surprisals of all documents that have a token."""
        return (Reading(self.name, *some) for some in self.scorer.surprisals(texts))

    def model_of(self, language: str | None) -> str | None:
        """The model's name."""
        return self.name

    def said_of(self, models: Sequence[str | None]) -> dict[str, Sequence[str | None]]:
        """Nothing."""
        return {}


def figures(judge: Judge, texts: Sequence[str], languages: Languages) -> Figures:
    """The figures of each document."""
    columns = ScoreColumns.of_nothing(len(texts))
    for reading in judge.readings(texts, languages):
        columns.put(reading.places, score_columns(reading.surprisals))
    return Figures(columns, [judge.model_of(language) for language in languages])
