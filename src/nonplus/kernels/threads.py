"""Work shared out among the processors, a thread each: NumPy and the C kernel let go of the interpreter's lock."""

import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

Part = TypeVar("Part")
Answer = TypeVar("Answer")

_MOST = 16  # threads: beyond, memory grows faster than speed


def processors() -> int:
    """Threads worth using: those ``OMP_NUM_THREADS`` allows, else processors that this process may use; at most 16."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    available = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(_MOST, int(asked) if asked.isdecimal() and int(asked) else available)


def in_threads(work: Callable[[Part], Answer], parts: Iterable[Part]) -> list[Answer]:
    """``work`` on each part, at once, and the answers in the order of the parts.

    Meanwhile BLAS keeps to the thread it is called from. Threads of its own would wait for one another within every
    product, and on a busy machine that costs twenty times the work.
    """
    parts = list(parts)

    def limit() -> Any:
        return _blas().limit(limits=1, user_api="blas")

    # Where BLAS has one pool of threads for the process, the first caller's limit holds for all; where it is built with
    # OpenMP, each thread needs its own.
    with limit(), ThreadPoolExecutor(max(1, len(parts)), initializer=limit) as pool:
        return list(pool.map(work, parts))


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()
