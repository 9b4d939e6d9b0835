"""Bytes to text: strict UTF-8, with the place of a byte that is not.

Newlines stay as they are. Perplexity per byte divides by the bytes of the text, so a
reader that turned CRLF into LF would divide by the size of a different text.
"""

from collections.abc import Iterator
from typing import BinaryIO

from nonplus.errors import BadRecord

_BOM = "\ufeff"


def whole_text(stream: BinaryIO, name: str) -> str:
    """All of ``stream`` as one text, without a byte order mark at its beginning.

    Raises:
        BadRecord: a byte is not UTF-8.
    """
    return _decoded(stream.read(), name, 0).removeprefix(_BOM)


def lines(stream: BinaryIO, name: str) -> Iterator[str]:
    """The lines of ``stream`` with their newlines, without a byte order mark.

    Only LF ends a line (so CRLF does too): the other separators of ``str.splitlines``
    may occur inside JSON and prose.

    Raises:
        BadRecord: a byte is not UTF-8.
    """
    offset = 0
    for raw in stream:
        line = _decoded(raw, name, offset)
        yield line if offset else line.removeprefix(_BOM)
        offset += len(raw)


def _decoded(raw: bytes, name: str, offset: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        guess = "UTF-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) and not offset else "WINDOWS-1252"
        raise BadRecord(
            f"{name} is not UTF-8: byte 0x{raw[error.start]:02x} at offset {offset + error.start}; convert it from "
            f"its own encoding first, for example with iconv -f {guess} -t UTF-8"
        ) from None
