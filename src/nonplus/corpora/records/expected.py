"""How many units files probably have, for whoever waits for the last."""

import io
import os
import zlib
from collections.abc import Sequence

from nonplus.compression.marks import compression_of
from nonplus.compression.streams import decompressed
from nonplus.corpora.records.places import raw_at
from nonplus.corpora.records.record_file import RecordFile

_HEAD = 1 << 20  # bytes from which it is estimated how much the others unpack to
_LOOKED_AT = 2  # files of each kind
_AT_ONCE = 1 << 16
_TABLES = (".parquet", ".arrow")  # they are compressed inside, each in its own way


def expected_units(files: Sequence[RecordFile], unit: int) -> list[float]:
    """The units of ``unit`` bytes of each file, at least one, if all files of a kind
    unpack to as many bytes as the first megabytes of two of them do; 0 where that
    cannot be told. No other file is opened.

    Raises:
        BadInput: one of them cannot be read.
    """
    kinds: dict[str, list[RecordFile]] = {}
    for file in files:
        kinds.setdefault(os.path.splitext(file.path)[1].lower(), []).append(file)
    times = {kind: _times(alike[:: max(1, len(alike) // _LOOKED_AT)][:_LOOKED_AT]) for kind, alike in kinds.items()}
    sizes = [file.size * times[os.path.splitext(file.path)[1].lower()] for file in files]
    return [max(1.0, size / unit) if size else 0.0 for size in sizes]


def _times(files: Sequence[RecordFile]) -> float:
    """How many times their size the content of some files is; 0 if it is not told."""
    if any(file.files or file.suffix in _TABLES for file in files):
        return 0.0
    heads = []
    for file in files:
        with raw_at(file.path) as raw:
            heads.append(raw.read(_HEAD))
    return sum(map(_unpacked, heads)) / max(1, sum(map(len, heads)))


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
