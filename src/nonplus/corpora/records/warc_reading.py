"""The records of a WARC file, with the bytes that they are.

A version, named fields, an empty line, as many bytes as ``Content-Length`` says, two
empty lines (ISO 28500:2017). Anything else is damage: a reader that looks for the next
record, or takes the end of the file for that of a record, would lose records unseen.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO, final

from nonplus.errors import BadInput

_VERSION = b"WARC/"
_LONGEST_HEAD = 1 << 20  # bytes
_AT_ONCE = 1 << 20  # bytes


@final
@dataclass(frozen=True, slots=True)
class WarcRecord:
    """A record: its number in the file from 1, its ``head`` without the empty line, and
    its content of so many bytes (``size``).

    ``whole`` is false if the content is longer than it may be; then it is left out.
    """

    number: int
    head: bytes
    size: int
    content: bytes
    whole: bool

    def field(self, name: str) -> str:
        """The value of a named field; empty if there is none."""
        return _field(self.head, name)


def _field(head: bytes, name: str) -> str:
    found = _pattern(name).search(head)
    return found[1].strip().decode(errors="replace") if found else ""


@cache
def _pattern(name: str) -> re.Pattern[bytes]:
    return re.compile(rb"^%b[ \t]*:(.*)$" % re.escape(name.encode()), re.IGNORECASE | re.MULTILINE)


def warc_records(stream: BinaryIO, name: str, *, longest: int) -> Iterator[WarcRecord]:
    """The records of the file ``name``; ``longest`` bytes may be the content of one.

    Raises:
        BadInput: the file is no WARC file, or damaged; the records before the damage
            came.
    """
    number = 0
    while line := _beginning(stream):
        number += 1
        if not line.startswith(_VERSION):
            problem = f"record {number:,} does not begin with WARC/" if number > 1 else "it does not begin with WARC/"
            raise BadInput(f"{name} is no sound WARC file: {problem}; make or download it again")
        head = line + _head(stream, name, number)
        size = _field(head, "Content-Length")
        if not (size.isascii() and size.isdecimal() and len(size) < 19):
            raise BadInput(
                f"{name} is damaged: record {number:,} does not say how long it is (Content-Length: {size}); make or "
                "download it again"
            )
        whole = int(size) <= longest
        yield WarcRecord(number, head, int(size), _content(stream, name, number, int(size), kept=whole), whole)


def _beginning(stream: BinaryIO) -> bytes:
    """The first line of the next record; empty at the end. Empty lines may be before
    it: some writers end a record with more of them than two.
    """
    while (line := stream.readline(_LONGEST_HEAD)) in (b"\r\n", b"\n"):
        pass
    return line


def _head(stream: BinaryIO, name: str, number: int) -> bytes:
    lines: list[bytes] = []
    size = 0
    while (line := stream.readline(_LONGEST_HEAD)) not in (b"\r\n", b"\n"):
        lines.append(line)
        size += len(line)
        if not line.endswith(b"\n") or size > _LONGEST_HEAD:
            raise BadInput(f"{name} is damaged: the head of record {number:,} has no end; make or download it again")
    return b"".join(lines)


def _content(stream: BinaryIO, name: str, number: int, size: int, *, kept: bool) -> bytes:
    """The content of a record, or nothing if it is not to be kept."""
    content = stream.read(size) if kept else b""
    left = size - len(content)
    while left and (passed := stream.read(min(left, _AT_ONCE))):
        left -= len(passed)
    if left:
        raise BadInput(
            f"{name} is damaged: record {number:,} ends {left:,} bytes before its end; make or download it again"
        )
    return content
