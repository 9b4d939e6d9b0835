"""Zstandard data, made and read; truncated data is an error.

The library's own ``stream_reader`` takes the end of a truncated file for the end of the
text (zstandard 0.25).
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from nonplus.optional import require

# Bytes read at a time. Few, because they are decompressed at once, and zstd packs up to
# 32,000 times.
_PACKED = 256
# What `zstd --long=31` writes; the library itself stops at 2**27.
_LARGEST_WINDOW = 2**31
_LEVEL = 3  # that of the tool zstd


def zstd_chunks(packed: BinaryIO) -> Iterator[bytes]:
    """The decompressed bytes of ``packed``, over all its frames.

    Raises:
        EOFError: while they are read: the data is damaged or truncated.
        MissingExtra: zstandard is not installed.
    """
    return _chunks(packed, require("zstandard", purpose="reading data compressed with zstd"))


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


def zstd_version() -> str:
    """The version of the library that makes frames.

    Raises:
        MissingExtra: zstandard is not installed.
    """
    zstandard = require("zstandard", purpose="writing data compressed with zstd")
    return ".".join(map(str, zstandard.ZSTD_VERSION))


def zstd_frame(data: bytes) -> bytes:
    """``data`` as one frame, by one thread at the usual level.

    Raises:
        MissingExtra: zstandard is not installed.
    """
    zstandard = require("zstandard", purpose="writing data compressed with zstd")
    frame: bytes = zstandard.ZstdCompressor(level=_LEVEL).compress(data)
    return frame
