"""Compressed bytes as a stream of what they hold; damage is an error.

Python's own readers take whatever follows the first member of a ``.bz2`` or ``.xz``
file for rubbish and end there, and are slow where a ``.gz`` file has many members, as
those of web archives do. So members are followed here.
"""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, final

from nonplus.compression.zstd import zstd_chunks

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_PACKED = 1 << 14  # bytes read at a time
_GZIP = 31  # zlib's number for a member of gzip
_UNPACKED = 1 << 17  # bytes made at a time, however few they were: bzip2 packs a million times


def decompressed(packed: BinaryIO, compression: str) -> BinaryIO:
    """The bytes that ``packed`` holds, over all its members.

    Raises:
        EOFError: while the stream is read: the data is damaged or truncated; what is
            before the damage came.
        MissingExtra: zstandard is not installed.
    """
    match compression:
        case "gzip":
            return buffered(_gathered(_gzip_chunks(packed)))
        case "zstd":
            return buffered(_gathered(zstd_chunks(packed)))
        case "bzip2":
            return buffered(_chunks(packed, bz2.BZ2Decompressor, compression))
        case _:
            return buffered(_chunks(packed, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ), compression))


def buffered(chunks: Iterator[bytes]) -> BinaryIO:
    """A stream of the bytes of ``chunks``."""
    return io.BufferedReader(_Chunks(chunks))


def _chunks(
    packed: BinaryIO, begin: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor], compression: str
) -> Iterator[bytes]:
    data = packed.read(_PACKED)
    while data:
        member = begin()
        while not member.eof:
            if member.needs_input and not (data := data or packed.read(_PACKED)):
                raise EOFError(f"the {compression} data is truncated")
            try:
                yield member.decompress(data, _UNPACKED)
            except (OSError, lzma.LZMAError) as error:
                raise EOFError(f"the {compression} data is damaged: {error}") from error
            data = b""
        data = _after_padding(member.unused_data, packed)


def _gzip_chunks(packed: BinaryIO) -> Iterator[bytes]:
    data = packed.read(_PACKED)
    while data:
        member = zlib.decompressobj(_GZIP)
        while not member.eof:
            data = data or packed.read(_PACKED)
            try:
                chunk = member.decompress(data, _UNPACKED)
            except zlib.error as error:
                raise EOFError(f"the gzip data is damaged: {error}") from error
            if not (data or chunk or member.eof):
                raise EOFError("the gzip data is truncated")
            yield chunk
            data = member.unconsumed_tail
        data = _after_padding(member.unused_data, packed)


def _after_padding(data: bytes, packed: BinaryIO) -> bytes:
    """What follows a member. Zeros may pad a file: gzip and xz say so."""
    data = data or packed.read(_PACKED)
    while data and not (data := data.lstrip(b"\0")):
        data = packed.read(_PACKED)
    return data


def _gathered(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer parts, because each costs a call."""
    gathered: list[bytes] = []
    size = 0
    try:
        for part in parts:
            gathered.append(part)
            size += len(part)
            if size >= _UNPACKED:
                yield b"".join(gathered)
                gathered, size = [], 0
    except EOFError:
        yield b"".join(gathered)  # what is before the damage comes first
        raise
    yield b"".join(gathered)


@final
class _Chunks(io.RawIOBase):
    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer).cast("B")
        while not self._chunk:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._chunk = memoryview(chunk)
        size = min(len(room), len(self._chunk))
        room[:size], self._chunk = self._chunk[:size], self._chunk[size:]
        return size
