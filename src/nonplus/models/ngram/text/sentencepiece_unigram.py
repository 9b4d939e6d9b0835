"""Whether a SentencePiece model cuts words by the rules that ``unigram.c`` knows, and
these: from its file, in protocol buffers, as the package does not tell them all.

Source: sentencepiece_model.proto and Model::EncodeOptimized of SentencePiece 0.2.
"""

import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar, cast

import numpy as np

from nonplus.kernels.native.unigram import NativeUnigram, functions

V = TypeVar("V", int, bytes)
Value = int | bytes
Message = Mapping[int, Sequence[Value]]

_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3  # fields of the model
_TEXT, _SCORE, _TYPE = 1, 2, 3  # of a piece
_MODEL_TYPE, _MARK_AFTER, _BYTE_FALLBACK = 3, 24, 35  # of the trainer's settings
_CHARSMAP, _MARK, _ESCAPES = 2, 3, 5  # of the normaliser's
_NORMAL, _USER_DEFINED, _UNUSED = 1, 4, 5  # types of pieces
_UNIGRAM = 1
_UNKNOWN_BELOW = np.float32(10)  # the worst piece
_PRINTABLE = range(0x21, 0x7F)


def unigram_of(model: bytes) -> NativeUnigram | None:
    """The pieces of words that are cut by themselves; ``None`` if there are other
    rules, or C is not there.
    """
    fields = _message(model)
    trainer, normalizer = (_message(_last(fields, number, b"")) for number in (_TRAINER, _NORMALIZER))
    if functions() is None or _last(trainer, _MODEL_TYPE, _UNIGRAM) != _UNIGRAM or _last(trainer, _MARK_AFTER, 0):
        return None
    if not _last(normalizer, _ESCAPES, 1) or _changes_ascii(_last(normalizer, _CHARSMAP, b"")):
        return None
    pieces = [_message(each) for each in fields[_PIECES] if isinstance(each, bytes)]
    types = np.array([_last(piece, _TYPE, _NORMAL) for piece in pieces])
    if not (types == _NORMAL).any() or (types == _USER_DEFINED).any():
        return None
    scores_V = np.array([struct.unpack("<f", _last(piece, _SCORE, bytes(4))) for piece in pieces], np.float32).ravel()
    texts = [_last(piece, _TEXT, b"") if kind == _NORMAL else b"" for piece, kind in zip(pieces, types, strict=True)]
    unknown = scores_V[types == _NORMAL].min() - _UNKNOWN_BELOW
    allowed, mark = not _last(trainer, _BYTE_FALLBACK, 0), bool(_last(normalizer, _MARK, 1))
    return NativeUnigram(texts, scores_V, unknown=float(unknown), allowed=allowed, mark=mark)


def _message(data: bytes) -> Message:
    """The values of each field; numbers of fixed size as their bytes."""
    found: dict[int, list[Value]] = defaultdict(list)
    for field, value in _fields(data):
        found[field].append(value)
    return found


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        value: Value
        if key & 7 == 0:
            value, at = _varint(data, at)
        else:
            size = {1: 8, 5: 4}.get(key & 7)
            if size is None:
                size, at = _varint(data, at)
            value, at = data[at : at + size], at + size
        yield key >> 3, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _last(message: Message, field: int, default: V) -> V:
    """The value of a field, of which the last counts."""
    found = message.get(field, ())
    return cast(V, found[-1]) if found else default


def _changes_ascii(charsmap: bytes) -> bool:
    """Whether there is a rule of normalising for printable ASCII alone.

    The rules are a double array of Darts: a unit has a label in its lowest byte, tells
    in bit 8 whether a rule ends there, and where the next ones are in the rest.
    """
    if not charsmap:
        return False
    (size,) = struct.unpack_from("<I", charsmap)
    units = struct.unpack_from(f"<{size // 4}I", charsmap, 4)
    ahead = [_offset(units[0])]
    while ahead:
        node = ahead.pop()
        for byte in _PRINTABLE:
            unit = units[node ^ byte] if node ^ byte < len(units) else 0
            if unit & 0x800000FF == byte:
                if unit >> 8 & 1:
                    return True
                ahead.append(node ^ byte ^ _offset(unit))
    return False


def _offset(unit: int) -> int:
    return unit >> 10 << ((unit & 1 << 9) >> 6)
