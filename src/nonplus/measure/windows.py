"""Which tokens are fed and which are scored: integers only."""

from collections.abc import Iterator

from nonplus.measure.records import Window


def windows(n_tokens: int, *, room: int, stride: int, first: int = 0, prefixed: bool = False) -> Iterator[Window]:
    """Cut ``n_tokens`` so that each token from ``first`` on is scored once.

    ``room`` is how many tokens a window holds before the last one it scores. What comes
    before ``first`` is context: the first window holds all of it or, if that is longer
    than a window, half a window of it. After the first window every scored token sees
    at least ``room + 1 - stride`` others; the last window takes more context.
    """
    head = room + 1 if first <= room else first + min(stride, room // 2 + 1)
    stop = min(n_tokens, head)
    if first < stop:
        yield Window(max(0, stop - 1 - room), first, stop, prefixed)
    yield from _onward(n_tokens, room=room, stride=stride, done=max(first, stop), prefixed=prefixed)


def headed_windows(n_tokens: int, *, context: int, stride: int, first: int = 0) -> Iterator[Window]:
    """Like :func:`windows`, with a prefix before the first window only.

    Later windows use its position for one token more.
    """
    if first >= context:
        yield from windows(n_tokens, room=context, stride=stride, first=first)
        return
    stop = min(n_tokens, context)
    if first < stop:
        yield Window(0, first, stop, prefixed=True)
    yield from _onward(n_tokens, room=context, stride=stride, done=max(first, stop), prefixed=False)


def _onward(n_tokens: int, *, room: int, stride: int, done: int, prefixed: bool) -> Iterator[Window]:
    while done < n_tokens:
        stop = min(n_tokens, done + stride)
        yield Window(max(0, stop - 1 - room), done, stop, prefixed)
        done = stop


def grid_windows(n_tokens: int, *, context: int, stride: int, first: int = 0) -> Iterator[Window]:
    """Windows that begin at every multiple of ``stride`` and score their new tokens.

    A window's own first token has nothing before it and is not scored, so with
    ``stride == context`` one token in ``context`` is never scored. The last window is
    shorter.
    """
    done = first
    for start in range(0, n_tokens, stride):
        stop = min(n_tokens, start + context)
        if max(done, start + 1) < stop:
            yield Window(start, max(done, start + 1), stop)
        done = max(done, stop)
        if stop == n_tokens:
            return


def chunk_windows(
    n_tokens: int, *, context: int, skip: int, first: int = 0, prefixed: bool = False
) -> Iterator[Window]:
    """Whole chunks of ``context`` tokens; a shorter last one is dropped.

    The first ``skip`` tokens of each are fed and not scored.
    """
    for start in range(0, n_tokens - context + 1, context):
        if max(first, start + skip) < start + context:
            yield Window(start, max(first, start + skip), start + context, prefixed)
