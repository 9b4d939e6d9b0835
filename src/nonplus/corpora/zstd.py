"""Zstandard data as a stream of bytes; truncated data is an error.

The library's own ``stream_reader`` takes the end of a truncated file for the end of the
text (zstandard 0.25).
"""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, final

from nonplus.optional import require

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Bytes read at a time. Few, because they are decompressed at once, and zstd packs up to
# some thousand times.
_PACKED = 4096
# What `zstd --long=31` writes; the library itself stops at 2**27.
_LARGEST_WINDOW = 2**31


def zstd_bytes(packed: BinaryIO) -> io.RawIOBase:
    """The decompressed bytes of ``packed``, over all its frames.

    Raises:
        EOFError: while the stream is read: the data is damaged or truncated.
        MissingExtra: zstandard is not installed.
    """
    zstandard = require("zstandard", purpose="reading .zst files")
    return _Stream(_chunks(packed, zstandard))


def _chunks(packed: BinaryIO, zstandard: Any) -> Iterator[bytes]:
    data = packed.read(_PACKED)
    while data:
        frame = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW).decompressobj()
        while not frame.eof:
            if not data:
                raise EOFError("the Zstandard data is truncated")
            try:
                yield frame.decompress(data)
            except zstandard.ZstdError as error:
                raise EOFError(str(error)) from error
            data = frame.unused_data or packed.read(_PACKED)


@final
class _Stream(io.RawIOBase):
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
