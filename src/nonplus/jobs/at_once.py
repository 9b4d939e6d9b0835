"""Many questions to a store at once, because each answer takes its time."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

_THREADS = 32
_AHEAD = 1024  # questions that are put before the first of them is answered


def at_once(ask: Callable[[Asked], Answer], these: Iterable[Asked]) -> Iterator[Answer]:
    """The answers, in order.

    Raises:
        NonplusError: whatever the first question raises that is not answered.
    """
    waiting = iter(these)
    with ThreadPoolExecutor(_THREADS) as threads:
        while some := list(islice(waiting, _AHEAD)):
            yield from threads.map(ask, some)
