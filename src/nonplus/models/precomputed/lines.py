"""The objects of a file of JSON or Parquet, in order, each with its place."""

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from nonplus.compression.marks import compression_of
from nonplus.compression.streams import decompressed
from nonplus.errors import BadInput
from nonplus.files import reading
from nonplus.optional import require

_HEAD = 64  # bytes that tell what a file is
_ROWS = 1024  # of a Parquet file at once


class Line(NamedTuple):
    """A JSON object, and where it stands, for messages."""

    value: dict[str, Any]
    place: str


def lines_of(path: Path) -> Iterator[Line]:
    """The objects of a file: JSON Lines, packed or not, one JSON value, or Parquet.

    Raises:
        BadInput: it cannot be read, or holds something else.
        MissingExtra: pyarrow or zstandard is needed.
    """
    with reading(path), path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(0)
        if head.startswith(b"PAR1"):
            yield from _parquet(path)
            return
        compression = compression_of(head)
        with _whole(path):
            yield from _json(decompressed(file, compression) if compression else file, path)


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error) as damage:
        raise BadInput(f"{path} is damaged: {damage}; make or download it again") from None
    except UnicodeDecodeError as wrong:
        raise BadInput(f"{path} is not UTF-8: {wrong.reason}; write it again as UTF-8") from None


def _json(file: BinaryIO, path: Path) -> Iterator[Line]:
    number, first = 0, b""
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        if not first:
            first = line
            if not line.lstrip().startswith((b"{", b"[")):
                raise _no_object(f"{path}, line {number},")
            value = _parsed(line)
            if value is None or isinstance(value, list):  # one value over many lines, as a server's answer is saved
                yield from _one_value(line + file.read(), path)
                return
        place = f"{path}, line {number}"
        yield Line(_object(_parsed(line), place), place)
    if not first:
        raise BadInput(f"{path} is empty; name a file with log-probabilities")


def _one_value(data: bytes, path: Path) -> Iterator[Line]:
    value = _parsed(data)
    for number, each in enumerate(value if isinstance(value, list) else [value], 1):
        place = f"{path}, entry {number}" if isinstance(value, list) else str(path)
        yield Line(_object(each, place), place)


def _parsed(data: bytes) -> Any:
    """The JSON value; ``None`` if it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):  # no JSON, or a number of thousands of digits
        return None


def _object(value: Any, place: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise _no_object(place)


def _no_object(place: str) -> BadInput:
    return BadInput(f"{place} is no JSON object; a file of scores has one on each line, or is Parquet")


def _parquet(path: Path) -> Iterator[Line]:
    arrow = require("pyarrow", purpose="reading Parquet files")
    parquet = require("pyarrow.parquet", purpose="reading Parquet files")
    try:
        with parquet.ParquetFile(path) as file:
            rows = chain.from_iterable(batch.to_pylist() for batch in file.iter_batches(_ROWS))
            for number, row in enumerate(rows, 1):
                yield Line(row, f"{path}, row {number}")
    except arrow.ArrowException as damage:
        raise BadInput(f"{path} is damaged or not a Parquet file: {damage}; make or download it again") from None
