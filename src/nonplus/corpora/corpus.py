"""The documents of several sources in order; blank ones are counted and omitted."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import final

from nonplus.errors import BadInput
from nonplus.measure.records import Document


@final
class Corpus:
    """The documents that have text, at most ``limit`` of them, 0 for all.

    A blank document is empty or has only whitespace, so there is nothing to score.
    ``skipped`` counts those of the latest pass: omitting them without a count would
    hide a wrong field name or a broken export. With ``keep_blank`` they are kept.

    Raises:
        BadInput: at the end of an iteration, if no document had text.
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
        """The documents in order, read lazily."""
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
            raise BadInput(self._no_text(self.skipped or kept))

    def _no_text(self, blank: int) -> str:
        found = f"every document is blank ({blank})" if blank else "it has no documents"
        return (
            f"{self.name} has no text to measure: {found}; check the file and the field "
            "(standard input can be read only once)"
        )
