"""Items one by one as lists that are large enough to be worth a call."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def in_lists(items: Iterable[Item], *, size: Callable[[Item], int], least: int) -> Iterator[list[Item]]:
    """The items in order, each list ended by the one with which its sizes reach
    ``least``; the last list may be smaller.
    """
    together: list[Item] = []
    reached = 0
    for item in items:
        together.append(item)
        reached += size(item)
        if reached >= least:
            yield together
            together, reached = [], 0
    if together:
        yield together
