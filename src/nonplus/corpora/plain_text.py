"""Plain text: literal, a whole file, or line by line."""

from collections.abc import Iterator
from typing import BinaryIO, final

from nonplus.corpora.decoding import lines, whole_text
from nonplus.corpora.rows import Place, RowReader
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


def whole(stream: BinaryIO, name: str, reader: RowReader) -> Iterator[Document]:
    """All of a file as one document, with its name as the id."""
    yield Document(text=whole_text(stream, name, max_bytes=reader.max_bytes), id=name)


def each_line(stream: BinaryIO, name: str, reader: RowReader) -> Iterator[Document]:
    """A document for each line, with the id ``name:line``.

    The newline at the end of a line does not belong to the document.
    """
    for line in lines(stream, max_bytes=reader.max_bytes):
        place = Place(name, "line", line.number)
        try:
            yield Document(text=line.text(name).removesuffix("\n").removesuffix("\r"), id=place.id)
        except BadInput as problem:
            reader.reject(problem, place, line)
