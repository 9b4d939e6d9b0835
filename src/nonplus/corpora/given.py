"""What Python hands over as documents: texts, paths, documents, rows or a table."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, final

from nonplus.corpora import PLAIN, Corpus, open_corpora
from nonplus.corpora.addresses import is_address, looks_like_path
from nonplus.corpora.rows import Place, RowReader
from nonplus.corpora.tables import is_table, unwrapped
from nonplus.corpora.values import type_phrase
from nonplus.errors import BadInput
from nonplus.measure.formatting import counted
from nonplus.measure.records import Document, text_of

_NEEDED = (
    "a text, a Path, a Document, a table with a column text, or an iterable of those is needed; make text of it, or "
    "leave it out"
)
_LONGEST_NAME = 255  # characters: a longer text is no name of a file


@final
class Given:
    """Texts, documents, paths and rows, counted while they pass."""

    def __init__(self, items: Iterable[Any], *, keep_blank: bool) -> None:
        self._items = items
        self._keep_blank = keep_blank
        self._reader = RowReader(PLAIN)
        self._read = 0
        self._texts = True

    @property
    def source(self) -> str:
        """What the latest pass gave: ``3 texts``."""
        return counted(self._read, "text" if self._texts else "document")

    def __iter__(self) -> Iterator[str | Document]:
        self._read, self._texts = 0, True
        for place, item in enumerate(self._items, 1):
            # asked first, because unwrapped takes ten times as long as all else here
            plain = isinstance(item, str | Document)
            for document in [item] if plain else self._documents(unwrapped(item), place):
                self._read += 1
                self._texts = self._texts and isinstance(document, str)
                yield document

    def _documents(self, item: object, place: int) -> Iterable[str | Document]:
        match item:
            case str() | Document():
                return [item]
            case os.PathLike():
                return open_corpora([Path(item)], keep_blank=self._keep_blank)
            case Mapping():
                return self._reader.documents(item, Place("the rows", "row", place))
        raise BadInput(f"item {place} of the documents is {type_phrase(item)}, where {_NEEDED}")


@final
class WithText:
    """Those of some documents that have a text, as a corpus gives them."""

    def __init__(self, documents: Iterable[str | Document]) -> None:
        self._documents = documents

    def __iter__(self) -> Iterator[str | Document]:
        for document in self._documents:
            text = text_of(document)
            if text and not text.isspace():
                yield document


@final
class YourText:
    """One text."""

    source = "your text"

    def __init__(self, text: str) -> None:
        if "\n" not in text and len(text) <= _LONGEST_NAME:
            _check(text)
        self._text = text

    def __iter__(self) -> Iterator[str]:
        yield self._text


def given(documents: object, *, keep_blank: bool) -> Corpus | Given | YourText:
    """``documents`` as an iterable that says, in ``source``, what was read.

    Raises:
        BadInput: it is none of what can be measured, or a text that looks like a path.
    """
    match documents:
        case Corpus():
            return documents
        case str():
            return YourText(documents)
        case Document():
            return Given([documents], keep_blank=keep_blank)
        case os.PathLike():
            return open_corpora([Path(documents)], keep_blank=keep_blank)
        case bytes() | bytearray() | memoryview():
            raise BadInput("the documents are bytes, where text is needed; decode them: documents.decode()")
        case type():
            pass
        case _ if is_table(documents):
            return open_corpora([documents], keep_blank=keep_blank)
        case Iterable():
            return Given(documents, keep_blank=keep_blank)
    raise BadInput(f"the documents are {type_phrase(documents)}, where {_NEEDED}")


def _check(text: str) -> None:
    if is_address(text):
        raise BadInput(
            f"{text!r} looks like a source; pass open_corpus({text!r}) to read it, or [{text!r}] to score the words"
        )
    if looks_like_path(text) or (text and os.path.exists(text)):
        raise BadInput(
            f"{text!r} looks like a path; pass Path({text!r}) to read the file, or [{text!r}] to score the words"
        )
