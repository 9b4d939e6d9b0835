"""JSON Lines: an object on each line, of which some fields are read."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from nonplus.corpora.decoding import lines
from nonplus.corpora.rows import Place, RowReader
from nonplus.errors import BadInput, BadRecord
from nonplus.measure.records import Document

_raw_decode = json.JSONDecoder().raw_decode


def json_lines(stream: BinaryIO, name: str, reader: RowReader) -> Iterator[Document]:
    """A document for each line, with the id ``name:line``.

    A blank line is a blank document.
    """
    for line in lines(stream, max_bytes=reader.max_bytes):
        place = Place(name, "line", line.number)
        try:
            text = line.text(name)
            if text.isspace():
                yield Document(text="", id=place.id)
            else:
                yield from reader.read(_parsed(text, place), place)
        except BadInput as problem:
            reader.reject(problem, place, line)


def _parsed(line: str, place: Place) -> Any:
    line = line.rstrip()
    try:
        if line.startswith("{"):
            # json.loads would first look for blanks, as long as a short line takes
            row, stop = _raw_decode(line)
            if stop == len(line):
                return row
        return json.loads(line)
    except json.JSONDecodeError as error:
        fault = error.msg.removesuffix(" at").partition(" (")[0]
        raise BadRecord(
            f"{place}: not JSON, {fault} at character {error.pos}; each line must hold one whole object"
        ) from None
    except (ValueError, RecursionError) as error:  # valid JSON that Python refuses
        fault = "brackets nested too deep" if isinstance(error, RecursionError) else "a number of over 4,300 digits"
        raise BadRecord(f"{place}: JSON that cannot be read, {fault}; fix the line") from None
