"""What a GGUF file says of itself: its metadata and its table of tensors.

Read before torch is imported, so that a file that is none is met at once. The layout is
that of docs/gguf.md in ggml-org/ggml.
"""

import mmap
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, final

from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

from nonplus.errors import BadModel

_START = 8  # bytes: GGUF and the version
_VERSIONS = (2, 3)
_ALIGNMENT = 32  # of tensors, unless the file states another

# Types of metadata: the fixed ones as struct writes them, and the two others.
_FIXED = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9
_TYPES = {kind.value: kind for kind in GGMLQuantizationType}  # of tensors


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor in a file: its type, such as ``Q4_1``, how many numbers it holds, and
    which bytes they take.
    """

    name: str
    type: str
    numbers: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """The metadata by key, and the tensors in the order of the file."""

    metadata: Mapping[str, Any]
    tensors: tuple[Stored, ...]

    @property
    def architecture(self) -> str:
        """As llama.cpp calls it; empty if the file names none."""
        return str(self.metadata.get("general.architecture", ""))

    @property
    def types(self) -> tuple[str, ...]:
        """How tensors are stored; first what most of the numbers are stored as."""
        numbers: Counter[str] = Counter()
        for tensor in self.tensors:
            numbers[tensor.type] += tensor.numbers
        return tuple(kind for kind, _ in numbers.most_common())


def read(file: Path) -> Header:
    """The header of a file that is as long as its header says.

    Raises:
        BadModel: the file is no GGUF file, is damaged or cut off, or is one that cannot
            be read here.
    """
    try:
        with file.open("rb") as opened:
            start = opened.read(_START)
            _check_start(file, start)
            with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _parsed(file, _Cursor(data, at=len(start)))
    except BadModel:
        raise
    except PermissionError:
        raise BadModel(f"this user may not read {str(file)!r}; ask for permission, or copy the file") from None
    except OSError as fault:
        raise BadModel(f"{str(file)!r} cannot be read: {fault.strerror}; copy or download it again") from None
    except (EOFError, struct.error):
        raise BadModel(f"{str(file)!r} is cut off within its header; copy or download it again") from None
    except (LookupError, ValueError) as fault:
        raise BadModel(f"the header of {str(file)!r} is damaged ({fault}); copy or download it again") from None


def _check_start(file: Path, start: bytes) -> None:
    if not start:
        raise BadModel(f"{str(file)!r} is empty; copy or download it again")
    if not start.startswith(b"GGUF"[: len(start)]):
        raise BadModel(
            f"{str(file)!r} is no GGUF file: it begins with {start[:4]!r} instead of b'GGUF'; give one that llama.cpp "
            "can read, or use hf: for a folder of transformers"
        )
    if len(start) < _START:
        raise EOFError
    version = int.from_bytes(start[4:], "little")
    if version in _VERSIONS:
        return
    if int.from_bytes(start[4:], "big") in _VERSIONS:
        raise BadModel(
            f"{str(file)!r} is big-endian, as for IBM mainframes; convert it: gguf-convert-endian {file.name} little"
        )
    raise BadModel(
        f"{str(file)!r} is of version {version} of GGUF, and versions {_VERSIONS[0]} and {_VERSIONS[1]} are read here; "
        "convert the model again with a newer llama.cpp"
    )


def _parsed(file: Path, cursor: "_Cursor") -> Header:
    n_tensors, n_keys = cursor.numbers("QQ")
    metadata = {cursor.text(): cursor.value() for _ in range(n_keys)}
    tensors = [_tensor(file, cursor) for _ in range(n_tensors)]
    alignment = metadata.get("general.alignment", _ALIGNMENT)
    if type(alignment) is not int or alignment < 1:
        raise ValueError(f"general.alignment is {alignment!r}, where a number of bytes is needed")
    data = -(-cursor.at // alignment) * alignment
    placed = tuple(replace(tensor, begin=data + tensor.begin, end=data + tensor.end) for tensor in tensors)
    end = max((tensor.end for tensor in placed), default=cursor.at)
    if end > cursor.size:
        raise BadModel(
            f"{str(file)!r} is cut off: its tensors end at byte {end:,}, and it has {cursor.size:,}; copy or download "
            "it again"
        )
    return Header(metadata, placed)


def _tensor(file: Path, cursor: "_Cursor") -> Stored:
    """A tensor, with its place among the data."""
    name = cursor.text()
    (rank,) = cursor.numbers("I")
    numbers = prod(cursor.numbers(f"{rank}Q"))
    code, begin = cursor.numbers("IQ")
    if code not in _TYPES:
        raise BadModel(
            f"{str(file)!r} stores the tensor {name!r} as type {code}, which the package gguf does not know: it may be "
            "newer than that; run: pip install --upgrade gguf, or convert the model to another type"
        )
    kind = _TYPES[code]
    per_block, width = GGML_QUANT_SIZES[kind]
    return Stored(name, kind.name, numbers, begin, begin + numbers // per_block * width)


@final
class _Cursor:
    """Reads a file from front to back."""

    def __init__(self, data: mmap.mmap, *, at: int) -> None:
        self._data, self.at = data, at
        self.size = len(data)

    def numbers(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{layout}", self._data, self.at)
        self.at += struct.calcsize(f"<{layout}")
        return values

    def text(self) -> str:
        (length,) = self.numbers("Q")
        if length > self.size - self.at:
            raise EOFError
        self.at += length
        return self._data[self.at - length : self.at].decode()

    def value(self) -> Any:
        """Of any type, which stands before it."""
        (kind,) = self.numbers("I")
        return self._list() if kind == _LIST else self._one(kind)

    def _one(self, kind: int) -> Any:
        return self.text() if kind == _TEXT else self.numbers(_FIXED[kind])[0]

    def _list(self) -> list[Any]:
        kind, length = self.numbers("IQ")
        if length > self.size - self.at:
            raise EOFError
        if kind == _TEXT:
            return [self.text() for _ in range(length)]
        return list(self.numbers(f"{length}{_FIXED[kind]}"))
