"""Files of records, read in the ways of several tools."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, final

from nonplus.corpora.records import Batch, RecordFile
from nonplus.errors import BadInput
from nonplus.filtering.fields.options import ReadOptions
from nonplus.filtering.profiles.ways import Profiles, profiled
from nonplus.measure.formatting import counted, first_and_others
from nonplus.measure.records import Document
from nonplus.models.ngram.model import NgramModel

_READING = ReadOptions()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ProfiledFiles:
    """The profiles of the documents in ``source``, the ``rejected`` records of which
    could not be read; ``without_text`` of the others have no perplexity.
    """

    profiles: Profiles
    source: str
    rejected: int
    without_text: int

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        own = {"source": self.source, "rejected": self.rejected, "without_text": self.without_text}
        return self.profiles.as_dict() | own


def profiled_files(
    sources: Sequence[str],
    model: NgramModel,
    *,
    threshold: float = 200.0,
    reading: ReadOptions = _READING,
    limit: int | None = None,
) -> ProfiledFiles:
    """Up to ``limit`` documents of ``sources``, which are named and read as those of
    :func:`nonplus.filter_corpus`, scored once for each way of reading them.

    Raises:
        BadInput: a file or the threshold cannot be read so, or there are no documents.
    """
    if limit is not None and limit < 1:
        raise BadInput(f"limit={limit} is no number of documents; use e.g. limit=1000, or omit it to read all")
    files = reading.files(sources)
    documents = _Documents(files)
    found = profiled(islice(documents, limit), model, threshold=threshold)
    return ProfiledFiles(
        profiles=found,
        source=first_and_others([file.name for file in files]),
        rejected=documents.rejected,
        without_text=documents.without_text,
    )


@final
class _Documents:
    """The documents of files that have text, and how many records are none."""

    def __init__(self, files: Sequence[RecordFile]) -> None:
        self._files = files
        self.rejected = self.without_text = 0
        self._reason = ""

    def __iter__(self) -> Iterator[Document]:
        found = False
        for file in self._files:
            for batch in file.units(lambda _: True):
                self._count(file.name, batch)
                for text, place in zip(batch.texts, batch.places.tolist(), strict=True):
                    if text and not text.isspace():
                        found = True
                        yield Document(text=text, id=f"{file.name}:{place}")
        if self.rejected and not found:
            raise BadInput(f"none of {counted(self.rejected, 'record')} can be read: {self._reason}")

    def _count(self, name: str, batch: Batch) -> None:
        self.rejected += len(batch.rejected)
        self.without_text += sum(not text or text.isspace() for text in batch.texts)
        if batch.rejected and not self._reason:
            first = batch.rejected[0]
            self._reason = f"{name}:{first.place}: {first.reason}"
