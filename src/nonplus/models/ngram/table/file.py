"""The file of a table: a header, then the orders as they lie in memory.

Opening reads the header alone, so it takes milliseconds whatever the size. Everything
is little-endian, and each part begins at a multiple of 64 bytes. First come the
probability and back-off weight of each word, two float32 a word; then, for each higher
order, what its codes stand for, if quantised, and its slots (see ``table_orders``).

Letters in shapes: V words, C codes.
"""

import mmap
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadModel
from nonplus.files import reading
from nonplus.models.ngram.ngrams import SPECIAL_WORDS, Float32s
from nonplus.models.ngram.quantizing import BITS
from nonplus.models.ngram.table.keys import MAX_SLOTS, key_bytes
from nonplus.models.ngram.table.orders import PADDING, Order, value_bytes

MAGIC = b"nonplus n-grams\n"
VERSION = 1
MAX_ORDER = 32
ALIGNMENT = 64
HEADER = np.dtype(
    [
        ("magic", "V16"),
        ("version", "<u4"),
        ("checksum", "<u4"),
        ("order", "<u4"),
        ("bits", "<u4"),
        ("vocabulary", "<u8"),
    ]
)
RECORD = np.dtype(
    [
        ("ngrams", "<u8"),
        ("slots", "<u8"),
        ("homes", "<u8"),
        ("errors", "<f8", 2),
        ("codes_at", "<u8"),
        ("slots_at", "<u8"),
    ]
)

_REMEDY = "convert the model again"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a table file holds: ``words_V2``, two base-10 logarithms for each word, and
    the orders above the first.
    """

    words_V2: Float32s
    orders: tuple[Order, ...]
    counts: tuple[int, ...]
    bits: int
    bytes: int


def file_header(records: NDArray[Any], *, bits: int, vocabulary: int) -> bytes:
    """The beginning of a file with such orders."""
    first = np.zeros((), HEADER)
    first["magic"], first["version"], first["order"] = MAGIC, VERSION, len(records)
    first["bits"], first["vocabulary"] = bits, vocabulary
    first["checksum"] = zlib.crc32(first.tobytes() + records.tobytes())
    return first.tobytes() + records.tobytes()


def opened(path: Path) -> Contents:
    """The tables of a file, mapped into memory and shared with every process.

    Raises:
        BadModel: it is no such file, or a damaged one.
        BadInput: the operating system refuses.
    """
    with reading(path), path.open("rb") as file:
        return mapped(file, str(path))


def mapped(file: IO[bytes], name: str) -> Contents:
    """The tables of an open file, which may be closed thereafter."""
    if not file.seek(0, 2):
        raise BadModel(f"{name} is empty, not a table of n-grams; {_REMEDY}")
    buffer = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    try:
        return _contents(buffer)
    except ValueError as problem:
        raise BadModel(f"{name} cannot be used as a table of n-grams: {problem}; {_REMEDY}") from problem


def _contents(buffer: NDArray[np.uint8]) -> Contents:
    first = _part(buffer, 0, HEADER.itemsize).view(HEADER)[0].copy()
    if first["magic"].tobytes() != MAGIC:
        raise ValueError("it begins otherwise")
    if first["version"] != VERSION:
        raise ValueError(f"its version is {first['version']}, and this nonplus reads version {VERSION}")
    orders, bits, vocabulary = int(first["order"]), int(first["bits"]), int(first["vocabulary"])
    if not (1 <= orders <= MAX_ORDER and bits in (0, *BITS)):
        raise ValueError(f"order {orders} with {bits} bits is out of range")
    if not len(SPECIAL_WORDS) <= vocabulary < 1 << 31:
        raise ValueError(f"{vocabulary} words are out of range")
    records = _part(buffer, HEADER.itemsize, orders * RECORD.itemsize).view(RECORD)
    stated = int(first["checksum"])
    first["checksum"] = 0
    if zlib.crc32(first.tobytes() + records.tobytes()) != stated:
        raise ValueError("its header does not have the checksum that it states")
    words_V2 = _part(buffer, int(records[0]["slots_at"]), 8 * vocabulary).view("<f4").reshape(-1, 2)
    tables: list[Order] = []
    below = vocabulary
    for k in range(2, orders + 1):
        tables.append(_order(buffer, records[k - 1], vocabulary, below, bits=bits, has_backoffs=k < orders))
        below = tables[-1].slots
    counts = (vocabulary, *(int(record["ngrams"]) for record in records[1:]))
    return Contents(words_V2=words_V2, orders=tuple(tables), counts=counts, bits=bits, bytes=len(buffer))


def _order(
    buffer: NDArray[np.uint8], record: Any, vocabulary: int, below: int, *, bits: int, has_backoffs: bool
) -> Order:
    ngrams, slots, homes, errors, codes_at, slots_at = record.tolist()
    keys, values = key_bytes(vocabulary, below), value_bytes(bits, has_backoffs=has_backoffs)
    if not (0 < homes <= slots <= MAX_SLOTS and ngrams <= slots and keys <= 8):
        raise ValueError(f"{ngrams} n-grams in {slots} slots are out of range")
    kinds = (1 + has_backoffs) if bits else 0
    codes = _part(buffer, codes_at, kinds * 4 << bits).view("<f4").reshape(kinds, 1 << bits)
    return Order(
        content=_part(buffer, slots_at, slots * (keys + values) + PADDING),
        slots=slots,
        homes=homes,
        vocabulary=vocabulary,
        key_bytes=keys,
        value_bytes=values,
        bits=bits,
        has_backoffs=has_backoffs,
        codes=tuple(codes),
        errors=tuple(map(float, errors[:kinds])),
    )


def _part(buffer: NDArray[np.uint8], start: int, size: int) -> NDArray[np.uint8]:
    """Some bytes of the file.

    Raises:
        ValueError: it is shorter.
    """
    if start % ALIGNMENT and start != HEADER.itemsize:
        raise ValueError(f"a part of it begins at {start}, which is no multiple of {ALIGNMENT}")
    if start + size > len(buffer):
        raise ValueError(f"it has {len(buffer)} bytes, and its header says at least {start + size}")
    return buffer[start : start + size]
