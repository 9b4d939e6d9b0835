"""A corpus: the documents of its sources in order, blank ones counted and left out unless they are wanted."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import final

from nonplus.errors import BadInput
from nonplus.measure.records import Document


@final
class Corpus:
    """The documents that have text, at most ``limit`` of them, 0 for all; with ``keep_blank``, those without too.

    ``skipped`` counts the documents of the latest pass that were empty or only whitespace: they have nothing to
    score, and leaving them out unsaid would hide a wrong field name or a broken export.

    Raises:
        BadInput: while being iterated, if in the end no document had text.
    """

    def __init__(
        self, name: str, parts: Sequence[Iterable[Document]], *, limit: int = 0, keep_blank: bool = False
    ) -> None:
        self.name = name
        self.skipped = 0
        self._parts = parts
        self._limit = limit
        self._keep_blank = keep_blank

    def __iter__(self) -> Iterator[Document]:
        """The documents in order, read as they are asked for."""
        self.skipped = kept = with_text = 0
        for document in chain.from_iterable(self._parts):
            blank = not document.text or document.text.isspace()
            if blank and not self._keep_blank:
                self.skipped += 1
                continue
            yield document
            kept += 1
            with_text += not blank
            if kept == self._limit:
                break
        if not with_text:
            raise BadInput(self._nothing(self.skipped or kept))

    def _nothing(self, blank: int) -> str:
        found = f"every document is blank ({blank})" if blank else "there are no documents"
        return (
            f"{self.name} has no text to measure: {found}; check that this is the right file and field "
            "(standard input can be read once only)"
        )
