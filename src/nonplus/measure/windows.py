"""Which tokens are fed and which are scored: integers only.

How many tokens there are is asked as windows are cut, so that a text may still grow:
``reach(n)`` is ``n``, or the number of all tokens if these are fewer.
"""

from collections.abc import Callable, Iterator
from itertools import count, takewhile

from nonplus.measure.records import Window

Reach = Callable[[int], int]


def windows(reach: Reach, *, room: int, stride: int, first: int = 0, prefixed: bool = False) -> Iterator[Window]:
    """Cut tokens so that each from ``first`` on is scored once.

    ``room`` is how many tokens a window holds before the last one it scores. What comes
    before ``first`` is context: the first window holds all of it or, if that is longer
    than a window, half a window of it. After the first window every scored token sees
    at least ``room + 1 - stride`` others; the last window takes more context.
    """
    head = room + 1 if first <= room else first + min(stride, room // 2 + 1)
    stop = reach(head)
    if first < stop:
        yield Window(max(0, stop - 1 - room), first, stop, prefixed)
    yield from _onward(reach, room=room, stride=stride, done=max(first, stop), prefixed=prefixed)


def headed_windows(reach: Reach, *, context: int, stride: int, first: int = 0) -> Iterator[Window]:
    """Like :func:`windows`, with a prefix before the first window only.

    Later windows use its position for one token more.
    """
    if first >= context:
        yield from windows(reach, room=context, stride=stride, first=first)
        return
    stop = reach(context)
    if first < stop:
        yield Window(0, first, stop, prefixed=True)
    yield from _onward(reach, room=context, stride=stride, done=max(first, stop), prefixed=False)


def _onward(reach: Reach, *, room: int, stride: int, done: int, prefixed: bool) -> Iterator[Window]:
    while (stop := reach(done + stride)) > done:
        yield Window(max(0, stop - 1 - room), done, stop, prefixed)
        done = stop


def grid_windows(reach: Reach, *, context: int, stride: int, first: int = 0) -> Iterator[Window]:
    """Windows that begin at every multiple of ``stride`` and score their new tokens.

    A window's own first token has nothing before it and is not scored, so with
    ``stride == context`` one token in ``context`` is never scored. The last window is
    shorter.
    """
    done, start = first, 0
    while (stop := reach(start + context)) > start:
        if max(done, start + 1) < stop:
            yield Window(start, max(done, start + 1), stop)
        done = max(done, stop)
        if reach(stop + 1) == stop:
            return
        start += stride


def chunk_windows(reach: Reach, *, context: int, skip: int, first: int = 0, prefixed: bool = False) -> Iterator[Window]:
    """Whole chunks of ``context`` tokens; a shorter last one is dropped.

    The first ``skip`` tokens of each are fed and not scored.
    """
    for start in takewhile(lambda start: reach(start + context) == start + context, count(0, context)):
        if max(first, start + skip) < start + context:
            yield Window(start, max(first, start + skip), start + context, prefixed)
