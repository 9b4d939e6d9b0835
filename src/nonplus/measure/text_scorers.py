"""What a text scorer gives for documents: each once, in order, with what its tokenizer
loses.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import final

from nonplus.errors import BadModel, NonplusError
from nonplus.measure.contract import checked_texts
from nonplus.measure.interfaces import HasEncode, TextScorer
from nonplus.measure.lost_text import losses
from nonplus.measure.records import Document
from nonplus.measure.scores import ScoredTexts


def texts_of(documents: Iterable[Document], model: TextScorer, alternatives: int) -> Iterator[ScoredTexts]:
    """The texts of a scorer, which must be those asked for.

    Where reading documents ends with an error of ours, those before it are given first.
    """
    reading = _Reading(documents)
    owed = reading.owed
    for texts in checked_texts(model.score(reading, alternatives=alternatives), alternatives=alternatives, model=model):
        scored = [document.id for document in texts.documents]
        if scored != owed[: len(scored)]:
            raise BadModel(
                f"{model.name} was to score {', '.join(owed[:3])} next, and gives {', '.join(scored[:3])}; "
                "give each document once, in the order in which they come"
            )
        del owed[: len(scored)]
        if isinstance(model.tokenizer, HasEncode):
            lost = losses([document.text for document in texts.documents], model.tokenizer)
            texts = replace(texts, tokens=replace(texts.tokens, lost=texts.tokens.lost | lost))
        yield texts
    if owed:
        raise BadModel(f"{model.name} gives nothing for {', '.join(owed[:3])}; give each document once, in order")
    if reading.problem:
        raise reading.problem


@final
class _Reading:
    """Documents as a model reads them: it owes the scores of those with the ids
    ``owed``.

    An error that ends them is a ``problem`` for later while it owes any.
    """

    def __init__(self, documents: Iterable[Document]) -> None:
        self._documents = documents
        self.owed: list[str] = []
        self.problem: NonplusError | None = None

    def __iter__(self) -> Iterator[Document]:
        try:
            for document in self._documents:
                self.owed.append(document.id)
                yield document
        except NonplusError as problem:
            if not self.owed:
                raise
            self.problem = problem
