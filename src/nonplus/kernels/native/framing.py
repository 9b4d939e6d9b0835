"""Sentences with their marks, in C (``framing.c``).

Letters in shapes: D documents, S sentences of all of them, T tokens without marks, N
bytes of the normalised texts.
"""

import ctypes
import functools
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Floats, Integers, Ints
from nonplus.measure.surprisals import Surprisals
from nonplus.native import library

Ids = NDArray[np.int32]


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its functions for frames; ``None`` without it."""
    loaded = library()
    if loaded is not None:
        pointer, count, mark = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32
        for function in (loaded.nonplus_framed_32, loaded.nonplus_framed_64):
            function.argtypes = [*[pointer] * 5, count, pointer, pointer, mark, mark, pointer, pointer, pointer]
            function.restype = None
        for function in (loaded.nonplus_scored_32, loaded.nonplus_scored_64):
            function.argtypes = [*[pointer] * 5, count, mark, mark, mark, *[pointer] * 5]
            function.restype = None
    return loaded


@final
@dataclass(frozen=True, slots=True)
class Unframed:
    """Tokens without marks, and what they came from; see ``framing.c``."""

    ids_T: Ids
    stops_T: Ints
    counts_S: Ints
    covers_S: Ints
    documents_D1: Ints
    origins_N1: Integers
    given_D1: Ints


def framed(own: Unframed, *, begin: int | None, end: int | None) -> tuple[Ids, Integers, Ints]:
    """The ids of all tokens, the byte of its text at which each ends, and where each
    sentence starts (S + 1,).

    ``begin`` and ``end`` are the ids of the marks, if sentences have them. The caller
    checks that ``functions()`` is there.
    """
    loaded = functions()
    assert loaded is not None, "the C kernel is not available: check functions() first"
    origins = np.ascontiguousarray(own.origins_N1)
    marks = len(own.counts_S) * ((begin is not None) + (end is not None))
    ids = np.empty(len(own.ids_T) + marks, np.int32)
    ends, starts = np.empty(len(ids), origins.dtype), np.empty(len(own.counts_S) + 1, np.int64)
    arrays = (own.ids_T, own.stops_T, own.counts_S, own.covers_S, own.documents_D1)
    given = [np.ascontiguousarray(each) for each in arrays]
    given_D1 = np.ascontiguousarray(own.given_D1)
    function = loaded.nonplus_framed_32 if origins.dtype == np.int32 else loaded.nonplus_framed_64
    function(
        *(each.ctypes.data for each in given),
        len(given_D1) - 1,
        origins.ctypes.data,
        given_D1.ctypes.data,
        -1 if begin is None else begin,
        -1 if end is None else end,
        ids.ctypes.data,
        ends.ctypes.data,
        starts.ctypes.data,
    )
    return ids, ends, starts


@final
@dataclass(frozen=True, slots=True)
class Framed:
    """Tokens with their marks and surprisals; see ``framing.c``."""

    ids_T: Ids
    ends_T: Integers
    nats_T: Floats
    starts: Ints
    documents_D1: Ints


def scored(all_: Framed, *, begin: int, end: int, unknown: int) -> Surprisals:
    """The tokens that are not a first ``begin`` of their sentence, none of a document
    that has nothing but marks. Surprisals below 0 become 0.

    The caller checks that ``functions()`` is there.
    """
    loaded = functions()
    assert loaded is not None, "the C kernel is not available: check functions() first"
    n, room, place = len(all_.documents_D1) - 1, len(all_.ids_T), all_.ends_T.dtype
    nats, begins, ends = np.empty(room), np.empty(room, place), np.empty(room, place)
    offsets, unknown_D = np.empty(n + 1, np.int64), np.empty(n, np.int64)
    arrays = (all_.ids_T, all_.ends_T, all_.nats_T, all_.starts, all_.documents_D1)
    given = [np.ascontiguousarray(each) for each in arrays]
    function = loaded.nonplus_scored_32 if place == np.int32 else loaded.nonplus_scored_64
    taken = (each.ctypes.data for each in (nats, begins, ends, offsets, unknown_D))
    function(*(each.ctypes.data for each in given), n, begin, end, unknown, *taken)
    own = int(offsets[-1])
    return Surprisals(nats=nats[:own], begins=begins[:own], ends=ends[:own], offsets=offsets, unknown=unknown_D)
