"""The files in an archive as one stream of JSON Lines."""

import json
from collections.abc import Iterator
from typing import BinaryIO

from nonplus.cautions import warn
from nonplus.compression.streams import buffered
from nonplus.corpora.archives import members
from nonplus.corpora.streams import unpacked
from nonplus.corpora.suffixes import suffix_of
from nonplus.errors import BadInput, SuspectInput
from nonplus.measure.formatting import counted

_LINES, _TEXTS = (".jsonl", ".ndjson"), (".txt", ".md")
_READ = f"members that end in {', '.join(_LINES + _TEXTS)} are read; unpack the archive to read others"
_AT_ONCE = 1 << 20  # bytes
_BOM = b"\xef\xbb\xbf"


def archived_lines(archive: BinaryIO, kind: str, name: str, *, field: str, longest: int) -> BinaryIO:
    """The members of the archive ``name``, one after another: JSON Lines as they are,
    and a line for each text file, with its path as ``id`` and the text in ``field``.

    A text of more than ``longest`` bytes is cut, but its line is longer than that.

    Raises:
        BadInput: while the stream is read: the archive is damaged, or has no such file.
    """
    return buffered(_lines(archive, kind, name, field, longest))


def _lines(archive: BinaryIO, kind: str, name: str, field: str, longest: int) -> Iterator[bytes]:
    read = others = 0
    for member, raw in members(archive, kind, name):
        suffix = suffix_of(member)
        if suffix not in _LINES + _TEXTS:
            others += 1
            continue
        read += 1
        path = f"{name}/{member}"
        stream, _ = unpacked(raw, path)
        yield from _as_lines(stream) if suffix in _LINES else _as_line(stream, path, field, longest)
    if not read:
        raise BadInput(f"the archive {name} has no files to read: {_READ}")
    if others:
        warn(f"{counted(others, 'member')} of {name} left out: {_READ}", SuspectInput)


def _as_lines(stream: BinaryIO) -> Iterator[bytes]:
    last = stream.read(len(_BOM)).removeprefix(_BOM)
    yield last
    while chunk := stream.read1(_AT_ONCE):  # type: ignore[attr-defined]  # not more: it may be damaged there
        last = chunk
        yield chunk
    if not last.endswith(b"\n"):
        yield b"\n"  # between the last line of a member and the first of the next


def _as_line(stream: BinaryIO, path: str, field: str, longest: int) -> Iterator[bytes]:
    content = stream.read(longest + 1)
    while stream.read(_AT_ONCE):
        pass
    # Bytes that are no UTF-8 stay what they are, so that the line is rejected for them.
    row = {"id": path, field: content.decode(errors="surrogateescape").removeprefix("\ufeff")}
    yield json.dumps(row, ensure_ascii=False).encode(errors="surrogateescape") + b"\n"
