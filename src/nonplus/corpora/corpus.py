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
        return self.described(self._kept, field=self.field)

    @property
    def field(self) -> str:
        """Which field was read, ``field text``; nothing if there were no rows."""
        return self._reader.described if self._reader.met_rows else ""

    def described(self, documents: int, *, field: str) -> str:
        """What was read, if these are its documents and their field."""
        first = "the first " if documents == self._limit else ""
        return f"{self._origin}{f' ({field})' if field else ''}, {first}{counted(documents, 'document')}"

    def of_part(self, number: int) -> Iterator[Document]:
        """The documents of one file or other source, from 0 on, as a pass of its own,
        without a limit; there may be none.
        """
        self._begin()
        return self._readable(self._parts[number])

    def __iter__(self) -> Iterator[Document]:
        """The documents in order, read lazily."""
        self._begin()
        with_text = 0
        for document in self._readable(chain.from_iterable(self._parts)):
            with_text += bool(document.text) and not document.text.isspace()
            yield document
            if self._kept == self._limit:
                break
        if not with_text:
            raise BadInput(self._no_text())

    def _begin(self) -> None:
        self._reader.rejects.restart()
        self.skipped = self._kept = 0

    def _readable(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Those that are not left out, counted."""
        for document in documents:
            if not self._keep_blank and (not document.text or document.text.isspace()):
                self.skipped += 1
                continue
            self._kept += 1
            yield document

    def _no_text(self) -> str:
        blank, rejects = self.skipped or self._kept, self._reader.rejects
        found = f"{counted(blank, 'document')}, none with text" if blank else "it has no documents"
        if rejects.count:
            found = f"{found}, and {counted(rejects.count, 'row')} could not be read; the first: {rejects.first}"
        once = " (standard input can be read only once)" if self.name.rpartition(":")[2] in ("-", "stdin") else ""
        return f"{self.name} has no text: {found}; check the file and the field{once}"
