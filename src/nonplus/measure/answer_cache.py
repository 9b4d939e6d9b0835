"""Scores that were computed before: append-only files that survive a kill at any
moment.

A record holds the scores of one batch of rows, or of documents. A file that ends in an
incomplete record is read up to it, and nothing is ever written after one: each run has
a file of its own. Layout of a record, little-endian::

    magic "NPL1" | body length u32 | crc32 of body u32 | body
    body: number of rows u32 | rows
    row: key 16 bytes | tokens u32 | columns u32 | tokens x columns float64
"""

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nonplus.errors import BadInput, BadModel
from nonplus.files import reading, writing
from nonplus.measure.brought import HasWitness
from nonplus.measure.interfaces import AnyModel
from nonplus.measure.records import Floats

_HEAD = struct.Struct("<4sII")
_ROW = struct.Struct("<16sII")
_MAGIC = b"NPL1"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the scores of a row are on disk."""

    path: Path
    offset: int
    tokens: int
    columns: int


def scope_of(model: AnyModel, *, fingerprint: str, alternatives: int) -> str:
    """What decides scores beside the texts.

    Raises:
        BadModel: nothing tells the model's weights from others.
    """
    if not model.identity:
        raise BadModel(
            f"{model.name} has no identity, so scores that another run has kept may be those of other weights; omit "
            "resume=…, or give nonplus.wrap the model's weights=…"
        )
    return f"{fingerprint} {model.identity} {model.tokenizer.identity} {alternatives}"


class AnswerCache:
    """Scores by content, as columns of numbers, kept in ``folder``; only their
    positions are in memory.

    ``scope`` is what else decides them: fingerprint, identities, alternatives.
    """

    def __init__(self, folder: Path, *, scope: str) -> None:
        """Find what earlier runs left.

        Raises:
            BadInput: the folder cannot be made, or what is in it cannot be read.
        """
        self._scope = scope.encode()
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with reading(folder):
            files = [Path(each) for each in os.scandir(folder) if each.name.endswith(".answers") and each.is_file()]
        self._places: dict[bytes, _Place] = {}
        for path in sorted(files):
            with reading(path):
                self._places.update(_places(path))
        self._path = folder / f"{os.getpid()}-{os.urandom(6).hex()}.answers"

    def key(self, content: bytes) -> bytes:
        """Sixteen bytes that identify a row's content within this scope."""
        return hashlib.sha256(self._scope + b"\0" + content).digest()[:16]

    def __contains__(self, key: bytes) -> bool:
        """Whether anything is kept under ``key``."""
        return key in self._places

    def holds(self, key: bytes, *, tokens: int, columns: int) -> bool:
        """Whether scores of that shape are kept under ``key``."""
        place = self._places.get(key)
        return place is not None and (place.tokens, place.columns) == (tokens, columns)

    def __getitem__(self, key: bytes) -> Floats:
        """The numbers kept under ``key``, shape (tokens, columns).

        Raises:
            BadInput: their file is gone, or was cut, since it was found.
        """
        place = self._places[key]
        with reading(place.path):
            flat = np.fromfile(place.path, "<f8", place.tokens * place.columns, offset=place.offset)
        if len(flat) != place.tokens * place.columns:
            raise BadInput(f"{place.path} was cut while it was in use; run again, which computes what is missing")
        return flat.reshape(place.tokens, place.columns)

    def put(self, answers: Mapping[bytes, Floats]) -> None:
        """Keep what was computed together, all or none of it, on disk when this
        returns.

        Raises:
            BadInput: they cannot be written.
        """
        body = struct.pack("<I", len(answers)) + b"".join(
            _ROW.pack(key, *column.shape) + column.astype("<f8").tobytes() for key, column in answers.items()
        )
        with writing(self._path), self._path.open("ab") as file:
            start = file.tell() + _HEAD.size
            file.write(_HEAD.pack(_MAGIC, len(body), zlib.crc32(body)) + body)
            file.flush()
            os.fsync(file.fileno())
        self._places.update(_rows(body, self._path, start))


def check_weights(model: AnyModel, cache: AnswerCache, folder: Path) -> None:
    """Keep the witness of a model that has one, or compare it with the one kept before.

    Raises:
        BadModel: what is kept was made with other weights.
    """
    if not isinstance(model, HasWitness):
        return
    key = cache.key(b"witness")
    if key not in cache:
        cache.put({key: model.witness[:, None]})
    elif not model.confirms(cache[key][:, 0]):
        raise BadModel(
            f"{model.name} has other weights than those whose scores resume={folder} keeps: it gives other "
            "log-probabilities for the same sentence; give another folder"
        )


def _places(path: Path) -> Iterator[tuple[bytes, _Place]]:
    """What the complete records of a file hold; stops at the first other one."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            magic, length, checksum = _HEAD.unpack(head)
            start = file.tell()
            if magic != _MAGIC or not 4 <= length <= size - start:  # before memory is taken for it
                return
            body = file.read(length)
            if zlib.crc32(body) != checksum:
                return
            yield from _rows(body, path, start)


def _rows(body: bytes, path: Path, start: int) -> list[tuple[bytes, _Place]]:
    """The rows of a body; none if they do not fill it to its end."""
    (count,) = struct.unpack_from("<I", body)
    rows: list[tuple[bytes, _Place]] = []
    at = 4
    while len(rows) < count and at + _ROW.size <= len(body):
        key, tokens, columns = _ROW.unpack_from(body, at)
        at += _ROW.size
        rows.append((key, _Place(path, start + at, tokens, columns)))
        at += tokens * columns * 8
    return rows if (len(rows), at) == (count, len(body)) else []
