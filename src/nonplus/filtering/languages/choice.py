"""Which model scores a document: that of its language, and no other."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self, final

import numpy as np

from nonplus.errors import BadInput
from nonplus.measure.records import Ints

_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*")
KEEP, DROP = "keep", "drop"
MODEL, UNSCORED = "model", "unscored"  # what is kept of a document beside its figures


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsByLanguage:
    """The name of a model for each language, and what becomes of all other documents.

    Languages are written as in the records, in any case: ``en``, ``eng``, ``zh-hans``.
    ``pt-BR`` and ``eng_Latn`` mean ``pt`` and ``eng`` if there is no model for just
    them. ``other`` is ``keep`` or ``drop`` for documents in other languages, and in
    none that is known, which have no figures then; or it names a model for them.
    """

    models: Mapping[str, str]
    other: str = DROP

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", {_plain(language): name for language, name in self.models.items()})

    @classmethod
    def of(cls, model: object, other: str = "") -> Self | None:
        """Those of ``en=bundled:ngram,fr=ngram:fr``, or of a mapping; ``None`` for a
        single model.

        Raises:
            BadInput: a model has no language, or two have the same.
        """
        if isinstance(model, Mapping):
            return cls(models=model, other=other or DROP)
        pairs = [_pair(each.strip()) for each in model.split(",")] if isinstance(model, str) else [("", "")]
        if not pairs[0][0]:
            if not other:
                return None
            raise BadInput(
                f"other={other} is about documents in other languages than those of the models, and model={model} is "
                f"for all languages; name its language, as in model=en={model}"
            )
        named: dict[str, str] = {}
        for language, name in pairs:
            if not language or not name:
                raise BadInput(
                    f"model={model} is a list of languages and models, such as model=en=bundled:ngram,fr=ngram:fr, got "
                    f"{name or language!r}; a model for all other languages is named with other=…"
                )
            if language in named:
                raise BadInput(f"two models are for {language!r}: {named[language]} and {name}; name one of them")
            named[language] = name
        return cls(models=named, other=other or DROP)

    @property
    def names(self) -> tuple[str, ...]:
        """All models, each once."""
        others = () if self.other in (KEEP, DROP) else (self.other,)
        return tuple(dict.fromkeys([*self.models.values(), *others]))

    def of_language(self, language: str | None) -> str | None:
        """The name of the model for a language, ``None`` where there is none."""
        tag = _plain(language or "")
        while tag and tag not in self.models:
            tag = tag.rpartition("-")[0]
        return self.models.get(tag, None if self.other in (KEEP, DROP) else self.other)

    def groups(self, languages: Sequence[str | None]) -> Iterator[tuple[str, Ints]]:
        """The documents of each model, by their places; those without one are left
        out.
        """
        chosen = {language: self.of_language(language) for language in set(languages)}
        places: defaultdict[str | None, list[int]] = defaultdict(list)
        for place, language in enumerate(languages):
            places[chosen[language]].append(place)
        for name, own in places.items():
            if name is not None:
                yield name, np.array(own)


def names_of(model: object, other: str = "") -> tuple[object, ...]:
    """All models of a model, or of one for each language."""
    by_language = ModelsByLanguage.of(model, other)
    return (model,) if by_language is None else by_language.names


def check_one(model: object, option: str, more: str = "") -> None:
    """Check that ``model`` is one for all documents, as the ``option`` takes it;
    ``more`` is what to add to the name of one, with {language} for its language.

    Raises:
        BadInput: it names models by language.
    """
    pairs = [_pair(each.strip()) for each in model.split(",")] if isinstance(model, str) else []
    for language, name in pairs:
        if language:
            raise BadInput(
                f"{option}={model} names models by language, and one for all documents is due; give one after the "
                f"other, as in {option}={name}{more.format(language=language)}"
            )


def _pair(text: str) -> tuple[str, str]:
    language, equals, name = text.partition("=")
    return (_plain(language), name) if equals and _TAG.fullmatch(language) else ("", text)


def _plain(language: str) -> str:
    return language.casefold().replace("_", "-")
