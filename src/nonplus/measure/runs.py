"""Runs of numbers that lie in columns: copied from one to another, or counted up.

In C (``runs.c``) where it is built, else with NumPy. Letters in shapes: N numbers,
R runs.
"""

import ctypes
import functools
import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Integers, Ints
from nonplus.native import library

_BLOCK = 1 << 15  # numbers that NumPy places at once


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its functions for runs; ``None`` without it."""
    loaded = library()
    if loaded is not None:
        pointer, count, flag = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int
        columns = (pointer, count, pointer, pointer, count, pointer, pointer, count)
        loaded.nonplus_runs_copied.argtypes = (*columns, count)
        loaded.nonplus_runs_widened.argtypes = columns
        loaded.nonplus_runs_counted.argtypes = [pointer, pointer, flag, count, pointer, pointer, count]
    return loaded


def ranges(begin_R: Ints, count_R: Ints) -> Ints:
    """The whole numbers from each ``begin`` on, ``count`` of them, end to end."""
    end_R = np.cumsum(count_R)
    numbers = np.empty(int(end_R[-1]) if len(end_R) else 0, np.int64)
    count_up(numbers, end_R - count_R, begin_R, count_R)
    return numbers


def count_up(out: Integers, place_R: Ints, first_R: Ints, count_R: Ints) -> None:
    """Write the whole numbers from each ``first`` on, ``count`` of them, to ``out``,
    from ``place`` on.

    Raises:
        IndexError: a run lies outside of ``out``.
    """
    loaded = functions()
    if loaded is None or not _plain(out) or out.dtype not in (np.int32, np.int64):
        for own in _blocks(count_R):
            out[_ranges(place_R[own], count_R[own])] = _ranges(first_R[own], count_R[own])
        return
    first_R, place_R, count_R = _columns(first_R, place_R, count_R)
    to = (out.ctypes.data, out.itemsize == 8, len(out), place_R.ctypes.data)
    _check(loaded.nonplus_runs_counted(first_R.ctypes.data, *to, count_R.ctypes.data, len(count_R)))


def copy_runs(values: NDArray[Any], begin_R: Ints, out: NDArray[Any], place_R: Ints, count_R: Ints) -> None:
    """Copy ``count`` numbers (or rows of them) of ``values`` from each ``begin`` on, to
    ``out``, from ``place`` on.

    Raises:
        IndexError: a run lies outside of its array.
    """
    loaded = functions()
    widened = values.dtype == np.int32 and out.dtype == np.int64 and values.ndim == out.ndim == 1
    same = values.dtype == out.dtype and values.shape[1:] == out.shape[1:]
    if loaded is None or not (_plain(values) and _plain(out) and (same or widened)):
        for own in _blocks(count_R):
            out[_ranges(place_R[own], count_R[own])] = values[_ranges(begin_R[own], count_R[own])]
        return
    begin_R, place_R, count_R = _columns(begin_R, place_R, count_R)
    given = (values.ctypes.data, len(values), begin_R.ctypes.data, out.ctypes.data, len(out), place_R.ctypes.data)
    runs = (count_R.ctypes.data, len(count_R))
    if widened:
        _check(loaded.nonplus_runs_widened(*given, *runs))
    else:
        _check(loaded.nonplus_runs_copied(*given, *runs, out.itemsize * math.prod(out.shape[1:])))


def _ranges(begin_R: Ints, count_R: Ints) -> Ints:
    numbers = np.repeat(begin_R - np.cumsum(count_R) + count_R, count_R)
    numbers += np.arange(len(numbers))
    return numbers


def _blocks(count_R: Ints) -> Iterator[slice]:
    """Runs that have about ``_BLOCK`` numbers, so that no array has one for each."""
    end_R = np.cumsum(count_R)
    n = int(end_R[-1]) if len(end_R) else 0
    bounds = np.unique(np.append(np.searchsorted(end_R, np.arange(0, n, _BLOCK)), len(count_R)))
    return (slice(*pair) for pair in pairwise(bounds.tolist()))


def _columns(*columns: Ints) -> tuple[Ints, ...]:
    return tuple(np.ascontiguousarray(column, np.int64) for column in columns)


def _plain(column: NDArray[Any]) -> bool:
    return column.dtype.isnative and column.flags.c_contiguous and column.flags.aligned


def _check(failed: int) -> None:
    if failed:
        raise IndexError("a run of numbers lies outside of its array")
