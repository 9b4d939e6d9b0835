"""Several requests at once, which end when nobody waits for them any more."""

from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import TimeoutError
from multiprocessing.pool import ThreadPool
from threading import Event
from typing import TypeVar

from nonplus.errors import BadModel

Part = TypeVar("Part")
Answer = TypeVar("Answer")


def at_once(ask: Callable[[Event, Part], Answer], parts: Sequence[Part], *, most: int, within: float) -> list[Answer]:
    """What is answered to each part, in order, ``most`` of them at a time.

    ``ask`` gets an event that is set as soon as its answer is not wanted any more:
    another one raised an error, or Ctrl-C was pressed. Threads that still wait for a
    server then are left behind, and keep no process from ending.

    Raises:
        BadModel: an answer takes more than ``within`` seconds.
    """
    unwanted = Event()
    with ThreadPool(max(1, min(most, len(parts)))) as pool:  # whose threads, unlike those of an executor, are daemons
        try:
            answers = pool.imap(partial(ask, unwanted), parts)
            return [answers.next(timeout=within) for _ in parts]
        except TimeoutError:
            raise BadModel(
                f"a server has not answered to the end after {within:.0f} s; check it, and run again"
            ) from None
        finally:
            unwanted.set()
