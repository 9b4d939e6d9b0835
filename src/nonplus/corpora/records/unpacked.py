"""How much files of bytes unpack to, by a look at how they begin."""

import io
import zlib
from collections.abc import Sequence

from nonplus.compression.marks import compression_of
from nonplus.compression.streams import decompressed
from nonplus.corpora.records.places import raw_at

_HEAD = 1 << 20  # bytes that are looked at of each
_AT_ONCE = 1 << 16


def unpacked_share(paths: Sequence[str]) -> float:
    """How many bytes a stored byte of some files is, if the rest of each is like its
    first megabyte; 0 of nothing.

    Raises:
        BadInput: one of them cannot be read.
    """
    heads = [_head(path) for path in paths]
    return sum(map(_unpacked, heads)) / max(1, sum(map(len, heads)))


def _head(path: str) -> bytes:
    with raw_at(path) as raw:
        return raw.read(_HEAD)


def _unpacked(head: bytes) -> int:
    """How many bytes the beginning of a file holds."""
    compression = compression_of(head)
    if not compression:
        return len(head)
    stream, size = decompressed(io.BytesIO(head), compression), 0
    try:
        while part := stream.read1(_AT_ONCE):  # type: ignore[attr-defined]
            size += len(part)
    except (EOFError, OSError, zlib.error):
        pass  # it ends in the middle of something; of damage others speak
    return size
