"""How many units a file probably has, for whoever waits for the last."""

import io
import zlib

from nonplus.compression.marks import compression_of
from nonplus.compression.streams import decompressed
from nonplus.corpora.records.places import raw_at
from nonplus.corpora.records.record_file import RecordFile

_HEAD = 1 << 20  # bytes from which it is estimated how much the others unpack to
_AT_ONCE = 1 << 16
_TABLES = (".parquet", ".arrow")  # they are compressed inside, each in its own way


def expected_units(file: RecordFile, unit: int) -> float:
    """The units of ``unit`` bytes of a file, if the rest is like its first megabyte; 0
    where that cannot be told.

    Raises:
        BadInput: the file cannot be read.
    """
    if file.files or file.suffix in _TABLES or not file.size:
        return 0.0
    with raw_at(file.path) as raw:
        head = raw.read(_HEAD)
    return file.size * _unpacked(head) / max(1, len(head)) / unit


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
