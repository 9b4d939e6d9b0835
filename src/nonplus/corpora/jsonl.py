"""JSON Lines: an object per line, of which some fields are read."""

import json
from collections.abc import Iterator
from typing import Any, final

from nonplus.corpora.decoding import lines
from nonplus.corpora.rows import Place, Rows
from nonplus.corpora.streams import existing, name_of, opened
from nonplus.errors import BadRecord
from nonplus.measure.records import Document


@final
class JsonLines:
    """``jsonl:articles.jsonl.gz``: a document per line, called ``path:line``; a blank line is a blank document."""

    def __init__(self, location: str, rows: Rows) -> None:
        self._location = existing(location)
        self._rows = rows

    def __iter__(self) -> Iterator[Document]:
        name = name_of(self._location)
        with opened(self._location) as stream:
            for number, line in enumerate(lines(stream, name), 1):
                place = Place(name, "line", number)
                if line.isspace():
                    yield Document(text="", id=place.id)
                else:
                    yield from self._rows.documents(_parsed(line, place), place)


def _parsed(line: str, place: Place) -> Any:
    try:
        return json.loads(line.rstrip())
    except json.JSONDecodeError as error:
        raise BadRecord(
            f"{place}: not JSON, {error.msg} at character {error.pos}; each line must hold one whole object"
        ) from None
    except (ValueError, RecursionError) as error:
        # A number of over 4300 digits, or brackets nested too deep: valid JSON that Python declines.
        raise BadRecord(f"{place}: JSON that cannot be read, {error}; mend the line") from None
