"""The small form of a model: a file of compressed columns, for models that are handed
on.

The file: magic, version, order, bits, the number of columns; how many entries each
level of the tree has; of each column its items, bytes per item and deflated bytes; the
columns, each deflated (RFC 1951); padding; the SHA-256 digest of all before. Integers
are little-endian, and the bytes of a column are written by place: all first ones, all
second ones.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from nonplus.errors import BadModel
from nonplus.files import reading, replacing
from nonplus.models.ngram.ngrams import Ngrams
from nonplus.models.ngram.packed.columns import Column, Errors, columns, trie_of
from nonplus.models.ngram.quantizing import BITS, check_bits
from nonplus.models.ngram.trie import Trie, as_trie

MAGIC, VERSION = b"NPNGRAMS", 1

_HEADER = struct.Struct("<8sIIII")
_COUNT, _COLUMN = np.dtype("<u8"), np.dtype([("items", "<u8"), ("width", "<u8"), ("bytes", "<u8")])
_WIDTHS = (1, 2, 4)
_DIGEST = hashlib.sha256().digest_size
# Which of them makes the smaller column depends on it. LZMA makes a file 4 % smaller,
# which takes 7 times as long to unpack.
_STRATEGIES = (zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY)
_BARE = -15  # a window of 32 KiB, neither header nor checksum
# The most bytes to which one byte of a file may unpack, so that a small file cannot
# fill the memory. Models come to about 4; a longer file is padded.
_RATIO = 64
_REMEDY = "copy or make the file again"


@final
@dataclass(frozen=True, slots=True)
class Packed:
    """A packed model that is open.

    ``bits`` are those of its values, 0 if they are as they were. ``errors`` tells for
    each order above the first how far a base-10 log-probability, then a back-off
    weight, is at most from what it was before quantising.
    """

    ngrams: Trie
    bits: int
    errors: Errors


def write_packed(path: Path, ngrams: Ngrams, *, bits: int = 0) -> None:
    """Write the file of a packed model; it replaces ``path`` once it is whole.

    Raises:
        BadInput: the file cannot be written.
        BadModel, BadProtocol: as ``packed``.
    """
    content = packed(ngrams, bits=bits)
    with replacing(path) as file:
        file.write(content)


def read_packed(path: Path, words: Sequence[str]) -> Packed:
    """The model of a file that ``write_packed`` wrote; ``words`` are not in it.

    Raises:
        BadInput: the operating system refuses.
        BadModel: it is no such file, or a damaged one, or has other words.
    """
    with reading(path):
        content = path.read_bytes()
    try:
        return unpacked(content, words)
    except BadModel as problem:
        raise BadModel(f"{path}: {problem}; {_REMEDY}") from None


def packed(ngrams: Ngrams, *, bits: int = 0) -> bytes:
    """The content of the file for a model.

    Probabilities and back-off weights are kept as they are, or with 2 to 16 ``bits``
    quantised in each order above the first. The content depends on the model only, not
    on the order in which n-grams come.

    Raises:
        BadModel: the n-grams are no model.
        BadProtocol: ``bits`` is neither 0 nor between 2 and 16.
    """
    check_bits(bits)
    trie = as_trie(ngrams)
    made = list(columns(trie, bits=bits))
    compressed = [_compressed(column) for column in made]
    counts = [len(level.keys_M) for level in trie.levels]
    table = [(len(column), column.itemsize, len(part)) for column, part in zip(made, compressed, strict=True)]
    header = _HEADER.pack(MAGIC, VERSION, len(counts), bits, len(made))
    content = b"".join([header, np.array(counts, _COUNT).tobytes(), np.array(table, _COLUMN).tobytes(), *compressed])
    padding = sum(column.nbytes for column in made) // _RATIO - len(content)
    content += bytes(max(0, padding))
    return content + hashlib.sha256(content).digest()


def unpacked(content: bytes, words: Sequence[str]) -> Packed:
    """The model that ``packed`` made the content from.

    Raises:
        BadModel: it made another content.
    """
    content, digest = content[:-_DIGEST], content[-_DIGEST:]
    header = content[: _HEADER.size].ljust(_HEADER.size, b"\0")
    magic, version, order, bits, n_columns = _HEADER.unpack(header)
    if magic != MAGIC:
        raise BadModel("it does not begin as a packed model does")
    if version != VERSION:
        raise BadModel(f"it has version {version} of the format, and this is nonplus for version {VERSION}")
    if digest != hashlib.sha256(content).digest():
        raise BadModel("its checksum is wrong: it is damaged or cut off")
    if bits and bits not in BITS:
        raise BadModel(f"it has codes of {bits} bits, which lie between {BITS[0]} and {BITS[-1]}")
    first = _HEADER.size + order * _COUNT.itemsize
    data = first + n_columns * _COLUMN.itemsize
    if data > len(content):
        raise BadModel("it is shorter than what it announces")
    counts = np.frombuffer(content[_HEADER.size : first], _COUNT).tolist()
    table = np.frombuffer(content[first:data], _COLUMN).tolist()
    if counts[:1] != [len(words)]:
        raise BadModel(f"it has n-grams of order 1: {counts[:1]}, and the model {len(words):,} words")
    trie, errors = trie_of(_columns(content, data, table), counts, words, bits=bits)
    return Packed(trie, bits, errors)


def _compressed(column: Column) -> bytes:
    places = column.astype(column.dtype.newbyteorder("<")).view(np.uint8).reshape(-1, column.itemsize)
    return min((_deflated(places.T.tobytes(), strategy) for strategy in _STRATEGIES), key=len)


def _deflated(content: bytes, strategy: int) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, _BARE, 9, strategy)
    return deflate.compress(content) + deflate.flush()


def _columns(content: bytes, at: int, table: Sequence[tuple[int, int, int]]) -> Iterator[Column]:
    """The columns, unpacked; first it is known that they are small enough."""
    if sum(items * width for items, width, _ in table) > _RATIO * len(content) + _RATIO:
        raise BadModel("it announces more than a file of its length has")
    for items, width, size in table:
        if width not in _WIDTHS or size > len(content) - at:
            raise BadModel("a column has no possible size")
        yield _decompressed(content[at : at + size], items, width)
        at += size


def _decompressed(part: bytes, items: int, width: int) -> Column:
    try:
        places = zlib.decompressobj(_BARE).decompress(part, items * width + 1)
    except zlib.error as problem:
        raise BadModel(f"a column cannot be unpacked: {problem}") from None
    if len(places) != items * width:
        raise BadModel("a column is not as long as it should be")
    planes = np.frombuffer(places, np.uint8).reshape(width, items)
    return np.ascontiguousarray(planes.T).view(np.dtype(f"<u{width}")).reshape(items)
