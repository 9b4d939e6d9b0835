"""Work shared out among the processors, a thread each: NumPy and the C kernel let go of the interpreter's lock."""

import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Part = TypeVar("Part")
Answer = TypeVar("Answer")


def processors() -> int:
    """Threads worth using: what ``OMP_NUM_THREADS`` allows, else the processors that this process may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    available = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return int(asked) if asked.isdigit() and asked != "0" else available


def in_threads(work: Callable[[Part], Answer], parts: Iterable[Part]) -> list[Answer]:
    """``work`` on each part, at once, and the answers in the order of the parts.

    Meanwhile BLAS keeps to the thread it is called from. Threads of its own would wait for one another within every
    product, and on a busy machine that costs twenty times the work.
    """
    parts = list(parts)
    with _blas().limit(limits=1, user_api="blas"), ThreadPoolExecutor(max(1, len(parts))) as pool:
        return list(pool.map(work, parts))


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()
