"""Plain text: literal, from standard input, a whole file, or line by line."""

from collections.abc import Iterator
from functools import cached_property
from typing import final

from nonplus.corpora.decoding import lines, whole_text
from nonplus.corpora.rows import Place, RowReader
from nonplus.corpora.streams import STANDARD_INPUT, existing, name_of, opened
from nonplus.corpora.values import as_text
from nonplus.errors import BadInput
from nonplus.measure.records import Document


@final
class Literal:
    """``text:The quick brown fox``: what follows the colon, as one document."""

    def __init__(self, text: str, reader: RowReader) -> None:
        if not text.strip():
            raise BadInput("the text after text: is empty; give a text, a file, or - for standard input")
        self._text = as_text(text, "the text")

    def __iter__(self) -> Iterator[Document]:
        yield Document(text=self._text, id="text")


@final
class StandardInput:
    """``-`` or ``stdin:``: all of it as one document, kept for another pass."""

    def __init__(self, location: str, reader: RowReader) -> None:
        if location not in ("", STANDARD_INPUT):
            raise BadInput(f"nothing may follow stdin:, got {location!r}; write - for standard input")

    @cached_property
    def _text(self) -> str:
        with opened(STANDARD_INPUT) as stream:
            return whole_text(stream, name_of(STANDARD_INPUT))

    def __iter__(self) -> Iterator[Document]:
        yield Document(text=self._text, id=name_of(STANDARD_INPUT))


@final
class WholeFile:
    """``file:notes.txt``: the file as one document, with its path as the id."""

    def __init__(self, location: str, reader: RowReader) -> None:
        self._location = existing(location)

    def __iter__(self) -> Iterator[Document]:
        name = name_of(self._location)
        with opened(self._location) as stream:
            text = whole_text(stream, name)
        yield Document(text=text, id=name)


@final
class Lines:
    """``lines:sentences.txt``: a document for each line, with the id ``path:line``.

    The newline at the end of a line does not belong to the document.
    """

    def __init__(self, location: str, reader: RowReader) -> None:
        self._location = existing(location)

    def __iter__(self) -> Iterator[Document]:
        name = name_of(self._location)
        with opened(self._location) as stream:
            for number, line in enumerate(lines(stream, name), 1):
                text = line.removesuffix("\n").removesuffix("\r")
                yield Document(text=text, id=Place(name, "line", number).id)
