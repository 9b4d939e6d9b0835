"""Texts whose scores are in the answer cache, or go there as they come."""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple, final

from nonplus.errors import BadInput, BadModel, NonplusError
from nonplus.measure import kept_texts
from nonplus.measure.answer_cache import AnswerCache, check_weights, scope_of
from nonplus.measure.brought import HasTexts
from nonplus.measure.contract import checked_texts
from nonplus.measure.interfaces import TextScorer
from nonplus.measure.records import Document, Floats
from nonplus.measure.scores import ScoredTexts
from nonplus.measure.text_scorers import texts_of
from nonplus.measure.tokenizing import slices

_MOST_WAITING = 64  # slices, a few of whose documents the model may still owe


class _Slice(NamedTuple):
    """Documents that are given together, and the keys of their scores."""

    documents: Sequence[Document]
    keys: Sequence[bytes]


@final
class Resumed:
    """A scorer that is asked only for what no run before has kept.

    Slices are given in order, each once it is whole.
    """

    def __init__(self, model: TextScorer, folder: Path, *, fingerprint: str, alternatives: int) -> None:
        """Find in ``folder`` what runs before have kept.

        Raises:
            BadModel: the model's scores are in a file, or nothing tells it from others.
        """
        if isinstance(model, HasTexts):  # which may have several scores of one text
            raise BadModel(f"{model.name} has its scores in a file, so a run has none to keep; omit resume=…")
        self._model, self._folder, self._alternatives = model, folder, alternatives
        scope = scope_of(model, fingerprint=fingerprint, alternatives=alternatives)
        self._cache = AnswerCache(folder, scope=f"{kept_texts.TEXTS} {scope}")
        check_weights(model, self._cache, folder)
        self._waiting: deque[_Slice] = deque()
        self._asked: dict[bytes, None] = {}  # keys that the model owes, in order
        self._fresh: dict[bytes, Floats] = {}  # scores of waiting texts that it gave

    def texts_of(self, documents: Iterable[Document]) -> Iterator[ScoredTexts]:
        """The texts, some scored anew.

        Broken off by Ctrl-C or by an error of ours, it first gives those that are
        scored of the slices under way.
        """
        keyed = (_Slice(own, [self._cache.key(_content(each)) for each in own]) for own in slices(documents))
        for first in keyed:
            try:
                yield from self._in_order(chain([first], keyed))
            except (KeyboardInterrupt, NonplusError):
                while self._waiting:
                    yield from self._next()
                raise

    def _in_order(self, these: Iterator[_Slice]) -> Iterator[ScoredTexts]:
        """Slices up to one that asks for nothing, scored by one call of the model."""
        missing = self._missing(these)
        for document in missing:
            for texts in texts_of(chain([document], missing), self._model, self._alternatives):
                made = dict(zip(self._asked, kept_texts.text_columns(texts), strict=False))
                self._cache.put(made)
                for key in made:
                    del self._asked[key]
                if made and [*made] == self._waiting[0].keys:  # all of a slice, as it is unless some were kept
                    self._waiting.popleft()
                    yield texts
                else:
                    self._fresh |= made
                while self._waiting and all(key in self._cache for key in self._waiting[0].keys):
                    yield from self._next()
        while self._waiting:
            yield from self._next()

    def _missing(self, these: Iterator[_Slice]) -> Iterator[Document]:
        """Documents that are to be scored, each once, while their slices wait."""
        for each in these:
            self._waiting.append(each)
            asked = {
                key: document
                for key, document in zip(each.keys, each.documents, strict=True)
                if key not in self._cache and key not in self._asked
            }
            for key, document in asked.items():
                self._asked[key] = None
                yield document
            if not asked or len(self._waiting) >= _MOST_WAITING:
                return

    def _next(self) -> Iterator[ScoredTexts]:
        """What is scored of the first slice that waits."""
        documents, keys = self._waiting[0]
        known = [(document, key) for document, key in zip(documents, keys, strict=True) if key in self._cache]
        columns = [self._fresh[key] if key in self._fresh else self._cache[key] for _, key in known]
        texts = [self._joined([document for document, _ in known], columns)] if known else []
        self._waiting.popleft()
        for key in keys:
            self._fresh.pop(key, None)
        yield from texts

    def _joined(self, documents: Sequence[Document], columns: Sequence[Floats]) -> ScoredTexts:
        """Texts from the answer cache, which holds what anybody may have written
        there.
        """
        try:
            given = [kept_texts.joined_texts(documents, columns)]
            (texts,) = checked_texts(given, alternatives=self._alternatives, model=self._model)
        except (ValueError, BadModel) as problem:
            raise BadInput(
                f"resume={self._folder} keeps for {documents[0].id}, or a text after it, what no run has written: "
                f"{problem}; give another folder, or remove that one and compute again"
            ) from None
        return texts


def _content(document: Document) -> bytes:
    """What decides the scores of a document."""
    return json.dumps([document.context, document.text, document.original]).encode()
