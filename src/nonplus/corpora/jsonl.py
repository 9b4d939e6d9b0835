"""JSON Lines: an object on each line, of which some fields are read."""

import json
from collections.abc import Iterator
from typing import Any, final

from nonplus.corpora.decoding import lines
from nonplus.corpora.rows import Place, RowReader
from nonplus.corpora.streams import existing, name_of, opened
from nonplus.errors import BadRecord
from nonplus.measure.records import Document


@final
class JsonLines:
    """``jsonl:articles.jsonl.gz``: a document for each line, with the id ``path:line``.

    A blank line is a blank document.
    """

    def __init__(self, location: str, reader: RowReader) -> None:
        self._location = existing(location)
        self._reader = reader

    def __iter__(self) -> Iterator[Document]:
        name = name_of(self._location)
        with opened(self._location) as stream:
            for number, line in enumerate(lines(stream, name), 1):
                place = Place(name, "line", number)
                if line.isspace():
                    yield Document(text="", id=place.id)
                else:
                    yield from self._reader.documents(_parsed(line, place), place)


def _parsed(line: str, place: Place) -> Any:
    try:
        return json.loads(line.rstrip())
    except json.JSONDecodeError as error:
        raise BadRecord(
            f"{place}: not JSON, {error.msg} at character {error.pos}; each line must hold one whole object"
        ) from None
    except (ValueError, RecursionError) as error:
        # Valid JSON that Python refuses: a number of over 4,300 digits, or brackets
        # nested too deep.
        raise BadRecord(f"{place}: JSON that cannot be read, {error}; fix the line") from None
