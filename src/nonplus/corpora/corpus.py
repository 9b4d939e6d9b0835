"""The documents of several sources in order; what was left out is counted."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import final

from nonplus.corpora.options import CorpusOptions
from nonplus.corpora.rows import RowReader
from nonplus.errors import BadInput
from nonplus.measure.formatting import counted
from nonplus.measure.records import Document


@final
class Corpus:
    """The documents that have text, at most ``limit`` of them, 0 for all.

    A blank document is empty or has only whitespace, so there is nothing to score.
    ``skipped`` counts those of the latest pass: omitting them without a count would
    hide a wrong field name or a broken export. With ``keep_blank`` they are kept.
    ``rejected`` counts the rows that could not be read, where the options say to skip
    those. ``source`` says what was read, in a line of a report.

    Raises:
        BadInput: at the end of an iteration, if no document had text.
    """

    def __init__(
        self,
        name: str,
        parts: Sequence[Iterable[Document]],
        *,
        origin: str = "",
        reader: RowReader | None = None,
        limit: int = 0,
        keep_blank: bool = False,
    ) -> None:
        self.name = name
        self.skipped = 0
        self._kept = 0
        self._origin = origin or name
        self._parts = parts
        self._reader = reader or RowReader(CorpusOptions())
        self._limit = limit
        self._keep_blank = keep_blank

    @property
    def options(self) -> CorpusOptions:
        """Which fields of its rows hold what."""
        return self._reader.options

    @property
    def rejected(self) -> int:
        """Rows of the latest pass that could not be read."""
        return self._reader.rejects.count

    @property
    def source(self) -> str:
        """What the latest pass read: ``news.jsonl (field text), 3 documents``."""
        field = f" ({self._reader.described})" if self._reader.met_rows else ""
        first = "the first " if self._kept == self._limit else ""
        return f"{self._origin}{field}, {first}{counted(self._kept, 'document')}"

    def __iter__(self) -> Iterator[Document]:
        """The documents in order, read lazily."""
        self._reader.rejects.restart()
        self.skipped = self._kept = with_text = 0
        for document in chain.from_iterable(self._parts):
            blank = not document.text or document.text.isspace()
            if blank and not self._keep_blank:
                self.skipped += 1
                continue
            self._kept += 1
            with_text += not blank
            yield document
            if self._kept == self._limit:
                break
        if not with_text:
            raise BadInput(self._no_text())

    def _no_text(self) -> str:
        blank, rejects = self.skipped or self._kept, self._reader.rejects
        found = f"{counted(blank, 'document')}, none with text" if blank else "it has no documents"
        if rejects.count:
            found = f"{found}, and {counted(rejects.count, 'row')} could not be read; the first: {rejects.first}"
        once = " (standard input can be read only once)" if self.name.rpartition(":")[2] in ("-", "stdin") else ""
        return f"{self.name} has no text: {found}; check the file and the field{once}"
