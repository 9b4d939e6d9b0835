"""From the records of a unit to what a rule decides by.

Letters in shapes: D readable records of a unit.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self, final

from numpy.typing import NDArray

from nonplus.corpora.records import Batch
from nonplus.filtering.cascade.cascade import ScoresTexts, SecondStage
from nonplus.filtering.languages.identifying import identifier, languages_of
from nonplus.filtering.rules.scored import FIGURES, Scored
from nonplus.filtering.scoring.figures import Figures, Languages, figures
from nonplus.filtering.scoring.placing import Placed
from nonplus.filtering.scoring.repetition import repetition
from nonplus.filtering.scoring.trimming import Trimming, trimmed
from nonplus.filtering.units.models import Models
from nonplus.filtering.units.score_files import keys_of
from nonplus.measure.records import n_bytes

Columns = dict[str, NDArray[Any]]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """The ``models``, and what is done with a text beside scoring it.

    With ``identify`` its language is told by its words, with ``trimming`` the garbage
    at its ends is cut off first, and with ``repeats`` it is measured how much of it
    repeats itself. What a rule then leaves undecided goes to a ``second`` model. All
    models are ``placed`` alike.
    """

    models: Models
    identify: bool = False
    trimming: Trimming | None = None
    repeats: bool = False
    second: SecondStage | None = None
    placed: Placed = field(default_factory=Placed)

    @property
    def plan(self) -> dict[str, Any]:
        """What decides the scores, besides the models, for a plan."""
        return {
            "languages": identifier() if self.identify else None,
            "trimming": None if self.trimming is None else asdict(self.trimming),
            "repetition": self.repeats,
            "cascade": None if self.second is None else self.second.plan,
            "neural": self.placed.plan if self.models.in_windows or self.second is not None else None,
        }

    def check_here(self) -> None:
        """Check, in a process that is to score, that it has what it takes.

        Raises:
            BadModel: it lacks the device on which the models are to score.
        """
        if self.second is None or self.second.elsewhere is None:
            self.placed.check_here()

    def asking(self, ask: ScoresTexts) -> Self:
        """The same, but ``ask`` scores what is left to the second model."""
        return self if self.second is None else replace(self, second=replace(self.second, elsewhere=ask))

    def of_second(self) -> ScoresTexts:
        """What scores texts by the second model, in a process that has it."""
        assert self.second is not None
        self.placed.check_here()
        return self.second.scorer().columns

    def of(self, batch: Batch) -> Scored:
        """The scores of the readable records of a unit."""
        attributes = dict(batch.attributes)
        if self.identify:
            attributes["language"] = languages_of(batch.texts)
        languages = attributes.get("language", [None] * len(batch.texts))
        texts, found, columns = self._figures(batch.texts, languages)
        for name, scorer in self.models.others.items():
            others = scorer.columns(texts).as_dict()
            columns |= {f"{figure}.{name}": others[figure] for figure in FIGURES if figure in others}
        if self.repeats:
            columns["repetition"] = repetition(texts)
        attributes |= self.models.first.said_of(found.models)
        scored = Scored(columns=columns, attributes=attributes, keys=keys_of(batch.texts, batch.attributes))
        if self.second is not None:
            scored = self.second.refined(texts, found, scored)
        for place in (place for place, name in enumerate(found.models) if name is None):
            scored.columns["bytes"][place] = n_bytes(texts[place])  # nobody covered them, but they are there
        return scored

    def _figures(self, texts: Sequence[str], languages: Languages) -> tuple[Sequence[str], Figures, Columns]:
        if self.trimming is None:
            found = figures(self.models.first, texts, languages)
            return texts, found, found.columns.as_dict()
        left = trimmed(self.models.first, texts, languages, self.trimming)
        return left.texts, left.figures, left.figures.columns.as_dict() | left.extent
