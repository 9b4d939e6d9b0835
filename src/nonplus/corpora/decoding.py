"""Bytes to text: strict UTF-8, in bounded memory, with the place of what is wrong.

Newlines stay as they are. Perplexity per byte divides by the bytes of the text, so a
reader that turned CRLF into LF would divide by the size of a different text.
"""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, final

from nonplus.errors import BadRecord

_BOM = "\ufeff"
_AT_ONCE = 1 << 20  # bytes
_SHOWN = 1 << 12  # bytes of a line that is too long


@final
class Line(NamedTuple):
    """A line with its newline: its number from 1, and the byte at which it begins.

    Of a line longer than ``max_bytes``, ``raw`` has only the beginning.
    """

    number: int
    offset: int
    raw: bytes
    max_bytes: int
    whole: bool

    def text(self, name: str) -> str:
        """The line as text, without a byte order mark at the beginning of the file.

        Raises:
            BadRecord: it is too long, or a byte is not UTF-8.
        """
        if not self.whole:
            raise too_long(f"{name}, at line {self.number}: the line", self.max_bytes)
        text = _decoded(self.raw, name, self.offset)
        return text if self.offset else text.removeprefix(_BOM)

    def __str__(self) -> str:
        """The line without its newline; bytes that are no text are escaped."""
        return self.raw.decode("utf-8", errors="backslashreplace").rstrip("\r\n")


def whole_text(stream: BinaryIO, name: str, *, max_bytes: int) -> str:
    """All of ``stream`` as one text, without a byte order mark at its beginning.

    Raises:
        BadRecord: it is longer than ``max_bytes``, or a byte is not UTF-8.
    """
    parts, size = [], 0
    while part := stream.read(min(_AT_ONCE, max_bytes + 1 - size)):
        parts.append(part)
        size += len(part)
        if size > max_bytes:
            raise too_long(f"{name}: the text", max_bytes, instead="name its lines as documents, with lines:FILE")
    return _decoded(b"".join(parts), name, 0).removeprefix(_BOM)


def lines(stream: BinaryIO, *, max_bytes: int) -> Iterator[Line]:
    """The lines of ``stream``; of one longer than ``max_bytes`` only its beginning.

    Only LF ends a line (so CRLF does too): the other separators of ``str.splitlines``
    may occur inside JSON and prose.
    """
    number = offset = 0
    while raw := stream.readline(max_bytes + 1):
        number += 1
        whole = len(raw) <= max_bytes
        yield Line(number, offset, raw if whole else raw[: min(max_bytes, _SHOWN)], max_bytes, whole)
        offset += len(raw)
        # Only now, because an endless line never comes to its end.
        while not whole and raw and not raw.endswith(b"\n"):
            raw = stream.readline(_AT_ONCE)
            offset += len(raw)


def too_long(what: str, max_bytes: int, *, instead: str = "cut it up") -> BadRecord:
    """The error of what does not fit into ``max_bytes``."""
    return BadRecord(
        f"{what} is longer than max_bytes={max_bytes}, which protects memory; {instead}, or raise the limit if it is "
        "meant to be one text"
    )


def _decoded(raw: bytes, name: str, offset: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        guess = "UTF-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) and not offset else "WINDOWS-1252"
        raise BadRecord(
            f"{name} is not UTF-8: byte 0x{raw[error.start]:02x} at offset {offset + error.start}; convert it from "
            f"its own encoding first, for example with iconv -f {guess} -t UTF-8"
        ) from None
