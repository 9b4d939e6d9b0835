"""JSON by orjson where it is installed: the values and the bytes of Python's own.

What is JSON here is decided by :func:`exactly`. orjson accepts less, except for deeper
nesting; so who parses with :func:`fast_parser` asks again where that fails.
"""

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.corpora.records.interfaces import Column
from nonplus.errors import BadRecord, MissingExtra
from nonplus.optional import require

# Python's parser fails where its stack ends, which depends on who calls it.
_DEEPEST = 200
_BETWEEN = np.uint8(ord("[") ^ ord("{"))  # the bit in which the brackets differ
SHALLOW = 2 * _DEEPEST  # so few bytes cannot be nested too deep, for each bracket is closed
_LONE = re.compile(rb"\\u[dD][89abAB]|\\u[dD][c-fC-F]")
_BRACKETS = bytes({ord("["): 1, ord("{"): 1, ord("]"): 255, ord("}"): 255}.get(byte, 0) for byte in range(256))
# Between these, everyone writes the shortest digits of a float without an exponent.
_PLAIN = (1e-4, 1e16)


def exactly(record: bytes) -> Any:
    """The value that ``record`` is. Of a name that occurs twice the last value counts.

    Raises:
        BadRecord: it is not valid JSON, has half of a surrogate pair, or is nested more
            than 200 deep.
    """
    check_depth(record)
    try:
        value = _DECODER.decode(record.decode())
        if _LONE.search(record):
            # The pairs, so that a name that comes twice hides nothing.
            pairs = json.loads(record, object_pairs_hook=list)
            json.dumps(pairs, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise BadRecord(
            f"not UTF-8: byte 0x{record[error.start]:02x} at byte {error.start} of the record; convert the file first, "
            "for example with iconv -f WINDOWS-1252 -t UTF-8"
        ) from None
    except UnicodeEncodeError:
        raise BadRecord(
            "a text has half of a surrogate pair, which UTF-8 cannot encode; the other half was cut off when the data "
            "was made: fix it there"
        ) from None
    except json.JSONDecodeError as error:
        fault = error.msg.removesuffix(" at").partition(" (")[0]
        raise BadRecord(f"not JSON, {fault} at character {error.pos}; each line must hold one whole object") from None
    except BadRecord:
        raise
    except ValueError:  # valid JSON that Python refuses
        raise BadRecord("a number has over 4,300 digits, which cannot be read; fix the record") from None
    return value


@cache
def fast_parser() -> Callable[[bytes], Any]:
    """What parses a record fast, or raises ValueError.

    What it gives is what :func:`exactly` gives, if :func:`check_depth` agrees; but an
    integer of more than 64 bits may come as a float.
    """
    try:
        parser: Callable[[bytes], Any] = require("orjson", purpose="reading JSON fast").loads
    except MissingExtra:
        return exactly
    return parser


def check_depth(record: bytes) -> None:
    """Check that brackets are not nested too deep.

    Raises:
        BadRecord: they are.
    """
    opening = (np.frombuffer(record, np.uint8) & ~_BETWEEN) == ord("[")
    if np.count_nonzero(opening) > _DEEPEST and _depth(record) > _DEEPEST:
        raise BadRecord(f"brackets are nested more than {_DEEPEST} deep, where readers differ; fix the record")


def in_json(values: Column) -> list[bytes]:
    """Each value as JSON; a float as Python writes it, or null if it is not finite."""
    if isinstance(values, np.ndarray):
        if np.issubdtype(values.dtype, np.floating):
            return _floats(values.astype(np.float64))
        return _numbers(values.tolist()) if np.issubdtype(values.dtype, np.integer) else in_json(values.tolist())
    if {type(value) for value in values} <= {float, type(None)}:
        return _floats(np.array(values, np.float64))  # None becomes NaN, and that null
    words: dict[str, bytes] = {}  # most come again
    return [_word(words, value) if type(value) is str else _other(value) for value in values]


def _word(words: dict[str, bytes], value: str) -> bytes:
    if value not in words:
        words[value] = json.dumps(value, ensure_ascii=False).encode()
    return words[value]


def _other(value: Any) -> bytes:
    unwritable = isinstance(value, float) and not np.isfinite(value)
    return b"null" if unwritable else json.dumps(value, ensure_ascii=False).encode()


def _floats(values: NDArray[np.float64]) -> list[bytes]:
    sizes = np.abs(values)
    odd = ~((sizes >= _PLAIN[0]) & (sizes < _PLAIN[1]) | (sizes == 0))
    written = _numbers(np.where(odd, 0.0, values))
    for place in np.flatnonzero(odd).tolist():
        written[place] = repr(float(values[place])).encode() if np.isfinite(values[place]) else b"null"
    return written


def _numbers(values: Sequence[int] | NDArray[np.float64]) -> list[bytes]:
    return _dumps()(values)[1:-1].split(b",") if len(values) else []


def _depth(record: bytes) -> int:
    """How deep the brackets outside of strings are nested, if the record is JSON."""
    bare = b"".join(record.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    steps = np.frombuffer(bare.translate(_BRACKETS), np.int8)
    return int(np.cumsum(steps, dtype=np.int64).max(initial=0))


def _refused(constant: str) -> None:
    raise BadRecord(f"not JSON, {constant} is no number there; write null, or fix the data")


_DECODER = json.JSONDecoder(parse_constant=_refused)


@cache
def _dumps() -> Callable[[Any], bytes]:
    """The bytes of a list of plain numbers, without spaces."""
    try:
        orjson = require("orjson", purpose="writing JSON fast")
    except MissingExtra:
        return _plainly
    return lambda values: bytes(orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY))


def _plainly(values: Any) -> bytes:
    return json.dumps(np.asarray(values).tolist(), separators=(",", ":")).encode()
