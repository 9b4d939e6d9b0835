"""The figures of documents, and by which model each has them: what a unit is cut by.

Letters in shapes: D documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final

from nonplus.filtering.columns import ScoreColumns
from nonplus.filtering.scorer import Scorer

Languages = Sequence[str | None]  # (D,) as the records or an identifier have them


@final
@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Columns (D,), and the name of the model of each row; ``None`` where no model is
    for that document.
    """

    columns: ScoreColumns
    models: Sequence[str | None]


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

    def figures(self, texts: Sequence[str], languages: Languages) -> Figures:
        """Those of each document."""
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

    def figures(self, texts: Sequence[str], languages: Languages) -> Figures:
        """Those of each document."""
        return Figures(self.scorer.columns(texts), [self.name] * len(texts))
