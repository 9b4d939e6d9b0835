"""The models of a filter: the one that it scores by, and those it compares with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, final

from nonplus.errors import BadInput
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.scorer import Scorer


@final
@dataclass(frozen=True, slots=True)
class Models:
    """A scorer, and others by the names that a rule has for them."""

    first: Scorer
    others: Mapping[str, Scorer] = field(default_factory=dict)

    @classmethod
    def opened(cls, model: object, others: Mapping[str, object], rule: Rule) -> Self:
        """The models, opened.

        Raises:
            BadInput: the rule names another model.
            BadModel: there is no such model.
        """
        for name in sorted(rule.models - others.keys()):
            raise BadInput(
                f"the rule compares with a model that it calls {name}, and no such model is given; name it with "
                f"models={name}=ngram:FOLDER"
            )
        return cls(Scorer(model), {name: Scorer(each) for name, each in sorted(others.items())})

    @property
    def plan(self) -> dict[str, Any]:
        """What decides the scores, for a plan."""
        every = {"": self.first, **self.others}
        return {name: {"name": each.name, "identity": each.identity} for name, each in every.items()}


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
