"""Look-ups in the tables of an n-gram model, and how these are filled, in C
(``ngrams.c``).

Letters in shapes: T tokens, S sentences, N look-ups, V words.
"""

import ctypes
import functools
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from nonplus import native
from nonplus.measure.records import Floats, Ints

Numbers = NDArray[np.uint64]

_POINTER, _COUNT, _UINT32 = ctypes.c_void_p, ctypes.c_int64, ctypes.c_uint32
_ARGUMENTS = {
    "score": [_POINTER, _POINTER, _POINTER, _COUNT, _COUNT, _COUNT, _POINTER, _POINTER, _POINTER],
    "distribution": [_POINTER, _POINTER, _COUNT, _POINTER],
    "find": [_POINTER, _UINT32, _POINTER, _POINTER, _COUNT, _POINTER],
    "keys": [_UINT32, _UINT32, _POINTER, _POINTER, _COUNT, _POINTER],
    "insert": [_POINTER, _COUNT, _UINT32, _UINT32, _UINT32, _POINTER, _COUNT, _POINTER, _COUNT, _COUNT],
}


class Slots(Protocol):
    """The n-grams of one order as they lie in memory, 8 readable bytes after them."""

    @property
    def content(self) -> NDArray[np.uint8]: ...  # noqa: D102
    @property
    def codes(self) -> tuple[NDArray[np.float32], ...]: ...  # noqa: D102
    @property
    def slots(self) -> int: ...  # noqa: D102
    @property
    def homes(self) -> int: ...  # noqa: D102
    @property
    def vocabulary(self) -> int: ...  # noqa: D102
    @property
    def key_bytes(self) -> int: ...  # noqa: D102
    @property
    def stride(self) -> int: ...  # noqa: D102
    @property
    def bits(self) -> int: ...  # noqa: D102
    @property
    def has_backoffs(self) -> bool: ...  # noqa: D102


class _Order(ctypes.Structure):
    _fields_ = (
        ("slots", _POINTER),
        ("probs", _POINTER),
        ("backoffs", _POINTER),
        ("count", ctypes.c_uint64),
        ("homes", _UINT32),
        ("key_bytes", _UINT32),
        ("stride", _UINT32),
        ("bits", _UINT32),
        ("has_backoffs", _UINT32),
    )


class _Model(ctypes.Structure):
    _fields_ = (("words", _POINTER), ("orders", _POINTER), ("vocabulary", _UINT32), ("order", _UINT32))


def available() -> bool:
    """Whether the kernel is there, on a processor that has the byte order of tables."""
    return sys.byteorder == "little" and native.library() is not None


@final
class Tables:
    """A model to look up: ``words_V2`` has two logarithms for each word.

    Words, histories and positions must be checked before; the arrays themselves may
    hold anything.
    """

    def __init__(self, words_V2: NDArray[np.float32], orders: Sequence[Slots]) -> None:
        self._kept = words_V2, tuple(orders)  # the pointers lead there
        self._orders = (_Order * len(orders))(*map(_order, orders))
        self._model = _Model(words_V2.ctypes.data, ctypes.addressof(self._orders), len(words_V2), len(orders) + 1)
        self._vocabulary = len(words_V2)

    def score(self, ids_T: NDArray[np.int32], starts: Ints) -> tuple[Floats, NDArray[np.uint8], NDArray[np.float32]]:
        """The surprisal of each token, the length of its n-gram, the logarithm of the
        back-off weights.
        """
        n = len(ids_T)
        nats_T, length_T, backoff_T = np.empty(n), np.empty(n, np.uint8), np.empty(n, np.float32)
        _function("score")(
            *(ctypes.addressof(self._model), ids_T.ctypes.data, starts.ctypes.data, len(starts) - 1, 0, n),
            *(nats_T.ctypes.data, length_T.ctypes.data, backoff_T.ctypes.data),
        )
        return nats_T, length_T, backoff_T

    def distributions(self, histories: Sequence[NDArray[np.int32]], *, threads: int) -> Floats:
        """The log-probability (M, V) of every word after each history."""
        result_MV = np.empty((len(histories), self._vocabulary))
        function = _function("distribution")

        def row(history: NDArray[np.int32], row_V: Floats) -> None:
            function(ctypes.addressof(self._model), history.ctypes.data, len(history), row_V.ctypes.data)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(row, histories, result_MV))
        return result_MV


def found(slots: Slots, nodes_N: NDArray[np.uint32], words_N: NDArray[np.int32]) -> NDArray[np.uint32]:
    """The node of each word after a node, 0 where the order does not have it."""
    result_N = np.empty(len(nodes_N), np.uint32)
    order = _order(slots)
    arrays = (np.ascontiguousarray(nodes_N), np.ascontiguousarray(words_N))
    pointers = [array.ctypes.data for array in arrays]
    _function("find")(ctypes.addressof(order), slots.vocabulary, *pointers, len(nodes_N), result_N.ctypes.data)
    return result_N


def keys(nodes_N: NDArray[np.uint32], words_N: NDArray[np.int32], *, vocabulary: int, size: int) -> Numbers:
    """The keys, of ``size`` bytes, of words after nodes."""
    keys_N = np.empty(len(nodes_N), np.uint64)
    arrays = (np.ascontiguousarray(nodes_N), np.ascontiguousarray(words_N))
    pointers = [array.ctypes.data for array in arrays]
    _function("keys")(size, vocabulary, *pointers, len(keys_N), keys_N.ctypes.data)
    return keys_N


def inserted(
    keys_N: Numbers, values_N: Numbers, *, room: int, first: int, homes: int, key_bytes: int, value_bytes: int
) -> NDArray[np.uint8] | None:
    """The slots from ``first`` on, a row each, up to the last that is taken.

    ``room`` is how many there may be. ``None`` if a key comes twice, or if it is faster
    to sort the keys.
    """
    stride = key_bytes + value_bytes
    content = np.zeros(room * stride + 8, np.uint8)
    columns = [part for each in (keys_N, values_N) for part in (each.ctypes.data, each.strides[0] // 8)]
    taken = _function("insert")(content.ctypes.data, first, homes, key_bytes, value_bytes, *columns, len(keys_N))
    return content[: taken * stride].reshape(taken, stride) if taken >= 0 else None


def _order(slots: Slots) -> _Order:
    codes = [column.ctypes.data for column in slots.codes] + [None, None]
    sizes = (slots.slots, slots.homes, slots.key_bytes, slots.stride, slots.bits, int(slots.has_backoffs))
    return _Order(slots.content.ctypes.data, *codes[:2], *sizes)


def _function(name: str) -> Any:
    return getattr(_functions(), f"nonplus_ngrams_{name}")


@functools.cache
def _functions() -> ctypes.CDLL | None:
    """The library with the types of the functions for look-ups."""
    loaded = native.library()
    for name, types in _ARGUMENTS.items():
        function = getattr(loaded, f"nonplus_ngrams_{name}")
        function.argtypes, function.restype = types, _COUNT if name == "insert" else None
    return loaded
