"""Each document scored by the model of its language.

Letters in shapes: D documents.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import final

from nonplus.errors import BadModel
from nonplus.filtering.columns import ScoreColumns
from nonplus.filtering.figures import Figures, Languages
from nonplus.filtering.languages import ModelsByLanguage
from nonplus.filtering.scorer import Scorer

_OPEN = 8  # models that are open at once; those of n-grams are mapped, and processes share them


@final
class ByLanguage:
    """A model for each language, opened when a document of that language comes."""

    def __init__(self, models: ModelsByLanguage) -> None:
        """Each model is opened once, to know its identity.

        Raises:
            BadModel: there is no such model.
        """
        self.models = models
        self._identities: Mapping[str, str] = {name: _opened(name).identity for name in models.names}

    @property
    def name(self) -> str:
        """The languages and the names of their models."""
        return " ".join(f"{language}={name}" for language, name in self.models.models.items())

    @property
    def identity(self) -> str:
        """Those of all models by language, and what becomes of other documents."""
        named = [f"{language}={self._identities[name]}" for language, name in sorted(self.models.models.items())]
        return " ".join([*named, f"other={self._identities.get(self.models.other, self.models.other)}"])

    def figures(self, texts: Sequence[str], languages: Languages) -> Figures:
        """Those of each document; none for one in a language without a model.

        Raises:
            BadModel: a model is another by now, or cannot score a text.
        """
        columns = ScoreColumns.of_nothing(len(texts))
        models: list[str | None] = [None] * len(texts)
        for name, places in self.models.groups(languages):
            own = places.tolist()
            columns.put(places, self._scorer(name).columns([texts[place] for place in own]))
            for place in own:
                models[place] = name
        return Figures(columns, models)

    def _scorer(self, name: str) -> Scorer:
        scorer = _opened(name)
        if scorer.identity != self._identities[name]:
            raise BadModel(
                f"{name} is another model now than when the run began; put the first one back, or begin another run"
            )
        return scorer


@lru_cache(_OPEN)
def _opened(name: str) -> Scorer:
    return Scorer(name)
