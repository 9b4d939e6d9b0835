"""The text of a JSON object replaced by another; all other bytes stay as they are."""

import json
import re
from collections.abc import Iterator

_BLANKS = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def with_text(record: bytes, field: str, text: str) -> bytes:
    """The object of JSON with ``text`` in ``field``, which has a text already.

    ``field`` is a name or else a path, as where records are read; of a name that occurs
    twice the last is meant, as everywhere.
    """
    whole = record.decode()
    begin, end = _place_of(whole, field)
    return (whole[:begin] + json.dumps(text, ensure_ascii=False) + whole[end:]).encode()


def _place_of(whole: str, field: str) -> tuple[int, int]:
    """The characters of the value in ``field``."""
    top = dict(_members(whole, _after_blanks(whole, 0)))
    if field in top:
        return top[field]
    first, *others = field.split(".")
    begin, end = top[first]
    for name in others:
        begin, end = dict(_members(whole, begin))[name]
    return begin, end


def _members(whole: str, at: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Each name in the object at a character, and where its value is."""
    at = _after_blanks(whole, at + 1)
    while whole[at] != "}":
        name, at = _DECODER.raw_decode(whole, at)
        begin = _after_blanks(whole, _after_blanks(whole, at) + 1)
        _, end = _DECODER.raw_decode(whole, begin)
        yield name, (begin, end)
        at = _after_blanks(whole, end)
        if whole[at] == ",":
            at = _after_blanks(whole, at + 1)


def _after_blanks(whole: str, at: int) -> int:
    found = _BLANKS.match(whole, at)
    return found.end() if found else at
