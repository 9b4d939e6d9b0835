"""Work cut into chunks that fit into memory."""

from collections.abc import Iterator


def chunks(n: int, step: int) -> Iterator[slice]:
    """Slices of at most ``step`` that together cover ``n`` items in order."""
    return (slice(start, min(n, start + step)) for start in range(0, n, step))
