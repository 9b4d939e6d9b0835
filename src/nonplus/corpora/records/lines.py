"""A stream cut into blocks of whole lines: always the same, however it is read."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, final

import numpy as np

from nonplus.corpora.records.interfaces import SHOWN, Rejection, Sizes, too_long

_AT_ONCE = 1 << 20  # bytes
_BOM = b"\xef\xbb\xbf"
_NEWLINE = ord("\n")


@final
@dataclass(frozen=True, slots=True)
class Block:
    """The lines of a block without their newlines, and the number of each in the file,
    from 1; those that are too long are rejected. ``size`` is how many newlines say that
    there are.
    """

    number: int
    size: int
    places: Sequence[int]
    lines: list[bytes]
    rejected: list[Rejection]

    def digest(self) -> str:
        """Of the lines, of where they begin, and of what is kept of those that are
        rejected.
        """
        others = [b"%d" % place for place in self.places[:1]]
        others += [b"%d %b" % (each.place, each.raw) for each in self.rejected]
        return hashlib.sha256(b"\n".join([*self.lines, *others])).hexdigest()


def blocks(stream: BinaryIO, takes: Callable[[int], bool], sizes: Sizes) -> Iterator[Block]:
    """The blocks that are taken.

    A block is the fewest lines that are ``sizes.unit`` bytes or more, or what is left.
    A byte order mark at the beginning of the stream is left out. If the stream turns
    out to be damaged, all blocks before the damage come first.
    """
    first = 1
    for number, whole in enumerate(_whole_lines(stream, sizes)):
        data = whole.removeprefix(_BOM) if number == 0 else whole
        # NumPy counts several times as fast as bytes.count.
        size = int(np.count_nonzero(np.frombuffer(data, np.uint8) == _NEWLINE)) + (data[-1:] not in (b"", b"\n"))
        if takes(number):
            lines = data.split(b"\n")
            if not lines[-1]:
                lines.pop()
            yield _block(number, size, range(first, first + len(lines)), lines, sizes.record)
        first += size


def _block(number: int, size: int, places: Sequence[int], lines: list[bytes], longest: int) -> Block:
    if max(map(len, lines), default=0) <= longest:
        return Block(number, size, places, lines, [])
    reason = too_long("the line", longest)
    numbered = list(zip(places, lines, strict=True))
    fitting = [(place, line) for place, line in numbered if len(line) <= longest]
    rejected = [Rejection(place, reason, line[:SHOWN]) for place, line in numbered if len(line) > longest]
    return Block(number, size, [place for place, _ in fitting], [line for _, line in fitting], rejected)


def _whole_lines(stream: BinaryIO, sizes: Sizes) -> Iterator[bytes]:
    parts: list[bytes] = []
    size = 0  # bytes of the block so far
    line = 0  # and of its last line
    while chunk := stream.read1(_AT_ONCE):  # type: ignore[attr-defined]  # not more: it may be damaged there
        begun = 0  # where the block begins, or goes on, in the chunk
        while border := chunk.find(b"\n", begun + max(0, sizes.unit - 1 - size)) + 1:
            parts.append(chunk[begun:border])
            yield _taken(parts, sizes.record)
            begun, size, line = border, 0, 0
        rest = chunk[begun:]
        if size < sizes.unit or line <= sizes.record:
            parts.append(rest)
        size += len(rest)
        newline = rest.rfind(b"\n") + 1
        line = len(rest) - newline + (0 if newline else line)
    if size:
        yield _taken(parts, sizes.record)


def _taken(parts: list[bytes], longest: int) -> bytes:
    """All parts, which go: whole lines, of the last ``longest`` bytes and one more."""
    data = b"".join(parts)
    parts.clear()
    most = data.rfind(b"\n", 0, len(data) - 1) + 1 + longest + 1
    # Joined, because a line may take most of the memory that there is.
    return b"".join([memoryview(data)[:most], b"\n"]) if len(data) > most else data
