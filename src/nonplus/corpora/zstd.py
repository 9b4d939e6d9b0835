"""Zstandard data as a stream of bytes, which notices where it breaks off.

The library's own ``stream_reader`` takes the end of a truncated file for the end of the text (zstandard 0.25).
"""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, final

from nonplus.optional import require

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Small, because a chunk is decompressed whole, and zstd packs up to some thousand times.
_CHUNK = 4096
# What `zstd --long=31` writes; the library itself stops at 2**27.
_LARGEST_WINDOW = 2**31


def zstd_bytes(packed: BinaryIO) -> io.RawIOBase:
    """What ``packed`` decompresses to, over all its frames.

    Raises:
        EOFError: the data is damaged or breaks off; while the stream is being read.
        MissingExtra: zstandard is not installed.
    """
    zstandard = require("zstandard", purpose="reading .zst files")
    return _Stream(_pieces(packed, zstandard))


def _pieces(packed: BinaryIO, zstandard: Any) -> Iterator[bytes]:
    chunk = packed.read(_CHUNK)
    while chunk:
        frame = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW).decompressobj()
        while not frame.eof:
            if not chunk:
                raise EOFError("Zstandard data breaks off before its end")
            try:
                yield frame.decompress(chunk)
            except zstandard.ZstdError as error:
                raise EOFError(str(error)) from error
            chunk = frame.unused_data or packed.read(_CHUNK)


@final
class _Stream(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer).cast("B")
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._piece = memoryview(piece)
        size = min(len(room), len(self._piece))
        room[:size], self._piece = self._piece[:size], self._piece[size:]
        return size
