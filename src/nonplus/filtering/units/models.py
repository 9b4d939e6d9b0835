"""The models of a filter: the one that it scores by, and those it compares with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, final

from nonplus.errors import BadInput
from nonplus.filtering.languages.by_language import ByLanguage
from nonplus.filtering.languages.choice import ModelsByLanguage, check_one
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.scoring.figures import Judge, OneModel
from nonplus.filtering.scoring.placing import Placing
from nonplus.filtering.scoring.scorer import Scorer


@final
@dataclass(frozen=True, slots=True)
class Models:
    """What scores each document, and others by the names that a rule has for them."""

    first: Judge
    others: Mapping[str, Scorer] = field(default_factory=dict)

    @classmethod
    def opened(
        cls,
        model: object,
        others: Mapping[str, object],
        rule: Rule,
        *,
        other: str = "",
        placing: Placing = Placing(),  # noqa: B008
    ) -> Self:
        """The models, opened; ``model`` may be one for each language, and ``other`` is
        what becomes of documents in another.

        Raises:
            BadInput: the rule names another model.
            BadModel: there is no such model.
        """
        for name in sorted(rule.models - others.keys()):
            raise BadInput(
                f"the rule compares with a model that it calls {name}, and no such model is given; name it with "
                f"models={name}=ngram:FOLDER"
            )
        for name, each in others.items():
            check_one(each, f"models={name}")
        by_language = ModelsByLanguage.of(model, other)
        first = OneModel(placing.scorer(model)) if by_language is None else ByLanguage(by_language, placing)
        return cls(first, {name: placing.scorer(each) for name, each in sorted(others.items())})

    @property
    def in_windows(self) -> bool:
        """Whether one of them reads windows of tokens, as neural models do."""
        return self.first.in_windows or any(each.in_windows for each in self.others.values())

    @property
    def plan(self) -> dict[str, Any]:
        """What decides the scores, for a plan."""
        first = {"name": self.first.name, "identity": self.first.identity}
        others = {name: {"name": each.name, "identity": each.identity} for name, each in self.others.items()}
        return {"": first, **others}


def by_name(text: str) -> dict[str, str]:
    """The models of ``good=ngram:good,bad=ngram:bad``.

    Raises:
        BadInput: it is not written so.
    """
    found: dict[str, str] = {}
    for each in text.split(",") if text else []:
        name, _, model = each.strip().partition("=")
        if not (name.isidentifier() and model) or name in found:
            raise BadInput(
                f"models is a list of names and models, such as models=good=ngram:good,bad=ngram:bad, got {each!r}; a "
                "name is a word of its own"
            )
        found[name] = model
    return found
