"""Work in parallel threads: NumPy and the C kernel release the interpreter's lock."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol, TypeVar

from threadpoolctl import ThreadpoolController

Part = TypeVar("Part")
Result = TypeVar("Result")

_MAX_THREADS = 16  # beyond, memory grows faster than speed


def processors() -> int:
    """The number of threads to use, at most 16.

    It is ``OMP_NUM_THREADS``, else the number of processors that the process may use.
    """
    requested = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    available = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(_MAX_THREADS, int(requested) if requested.isdecimal() and int(requested) else available)


class Each(Protocol):
    """What :func:`threads` gives: ``map`` whose calls run at once."""

    def __call__(self, work: Callable[..., Result], /, *parts: Iterable[Any]) -> Iterator[Result]:
        """The results of ``work``, in the order of the parts."""


@contextmanager
def threads(count: int) -> Iterator[Each]:
    """``count`` threads that wait for work.

    Meanwhile BLAS uses only the thread that calls it. Its own threads would wait for
    each other within every product, and on a busy machine that takes 20 times as long.
    """

    def limit() -> Any:
        return _blas().limit(limits=1, user_api="blas")

    # A BLAS with one thread pool takes one limit for the process; a BLAS built with
    # OpenMP needs a limit in each thread.
    if count < 2:
        with limit():
            yield _one_by_one
    else:
        with limit(), ThreadPoolExecutor(count, initializer=limit) as pool:
            yield pool.map


def in_threads(work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """The results of ``work`` on each part, a thread each, in their order."""
    parts = list(parts)
    with threads(len(parts)) as each:
        return list(each(work, parts))


def _one_by_one(work: Callable[..., Result], /, *parts: Iterable[Any]) -> Iterator[Result]:
    return map(work, *parts)


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()
