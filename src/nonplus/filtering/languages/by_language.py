"""Each document scored by the model of its language."""

from collections.abc import Iterator, Mapping, Sequence
from typing import final

from nonplus.errors import BadModel
from nonplus.filtering.languages.choice import KEEP, MODEL, UNSCORED, ModelsByLanguage
from nonplus.filtering.scoring.figures import Languages, Reading
from nonplus.filtering.scoring.placing import Placing, opened
from nonplus.filtering.scoring.scorer import Scorer


@final
class ByLanguage:
    """A model for each language, opened when a document of that language comes."""

    def __init__(self, models: ModelsByLanguage, placing: Placing = Placing()) -> None:  # noqa: B008
        """Each model is opened once, to know its identity.

        Raises:
            BadModel: there is no such model.
        """
        self.models, self._placing = models, placing
        scorers = {name: opened(name, placing) for name in models.names}
        self._identities: Mapping[str, str] = {name: each.identity for name, each in scorers.items()}
        self.in_windows = any(each.in_windows for each in scorers.values())

    @property
    def name(self) -> str:
        """The languages and the names of their models."""
        return " ".join(f"{language}={name}" for language, name in self.models.models.items())

    @property
    def identity(self) -> str:
        """Those of all models by language, and what becomes of other documents."""
        named = [f"{language}={self._identities[name]}" for language, name in sorted(self.models.models.items())]
        return " ".join([*named, f"other={self._identities.get(self.models.other, self.models.other)}"])

    def model_of(self, language: str | None) -> str | None:
        """The name of the model for documents in a language; ``None`` for none."""
        return self.models.of_language(language)

    def readings(self, texts: Sequence[str], languages: Languages) -> Iterator[Reading]:
        """The surprisals of all documents that have a model and a token.

        Raises:
            BadModel: a model is another by now, or cannot score a text.
        """
        for name, places in self.models.groups(languages):
            for some, surprisals in self._scorer(name).surprisals([texts[place] for place in places.tolist()]):
                yield Reading(name, places[some], surprisals)

    def said_of(self, models: Sequence[str | None]) -> dict[str, Sequence[str | None]]:
        """The model of each document and, where there is none, what becomes of it."""
        unscored = "kept" if self.models.other == KEEP else "dropped"
        return {MODEL: models, UNSCORED: [unscored if name is None else None for name in models]}

    def _scorer(self, name: str) -> Scorer:
        scorer = opened(name, self._placing)
        if scorer.identity != self._identities[name]:
            raise BadModel(
                f"{name} is another model now than when the run began; put the first one back, or begin another run"
            )
        return scorer
