"""A stream cut into blocks of whole lines: always the same, however it is read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, final

from nonplus.corpora.records.interfaces import Sizes
from nonplus.errors import BadRecord

_AT_ONCE = 1 << 20  # bytes
_BOM = b"\xef\xbb\xbf"


@final
@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines: their bytes, and the number of the first in the file, from 1.

    Only the last line can be longer than a record may be; of it there is one byte more
    than that, so that it can be seen.
    """

    number: int
    first: int
    data: bytes


def blocks(stream: BinaryIO, takes: Callable[[int], bool], sizes: Sizes) -> Iterator[Block]:
    """The blocks that are taken.

    A block is the fewest lines that are ``sizes.unit`` bytes or more, or what is left.
    A byte order mark at the beginning of the stream is left out. If the stream turns
    out to be damaged, all blocks before the damage come first.
    """
    number, first = 0, 1
    for data in _whole_lines(stream, sizes):
        if takes(number):
            yield Block(number, first, data.removeprefix(_BOM) if number == 0 else data)
        number, first = number + 1, first + data.count(b"\n")


def _whole_lines(stream: BinaryIO, sizes: Sizes) -> Iterator[bytes]:
    parts: list[bytes] = []
    size = 0  # bytes of the block so far
    line = 0  # and of its last line
    while chunk := stream.read1(_AT_ONCE):  # type: ignore[attr-defined]  # not more: it may be damaged there
        while border := chunk.find(b"\n", max(0, sizes.unit - 1 - size)) + 1:
            yield _shortened(b"".join([*parts, chunk[:border]]), sizes.record)
            chunk, parts, size, line = chunk[border:], [], 0, 0
        if size < sizes.unit or line <= sizes.record:
            parts.append(chunk)
        size += len(chunk)
        newline = chunk.rfind(b"\n") + 1
        line = len(chunk) - newline + (0 if newline else line)
    if size:
        yield _shortened(b"".join(parts), sizes.record)


def _shortened(data: bytes, longest: int) -> bytes:
    """Whole lines, of which the last is cut to one byte more than ``longest``."""
    most = data.rfind(b"\n", 0, len(data) - 1) + 1 + longest + 1
    return data[:most] + b"\n" if len(data) > most else data


def check_size(line: bytes, longest: int) -> None:
    """Check that a line is not longer than a record may be.

    Raises:
        BadRecord: it is.
    """
    if len(line) > longest:
        raise BadRecord(f"the line is longer than {longest:,} bytes, which protects memory; cut it up")
