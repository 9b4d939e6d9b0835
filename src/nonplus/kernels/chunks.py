"""Much work cut into chunks that fit."""

from collections.abc import Iterator


def chunks(n: int, step: int) -> Iterator[slice]:
    """``n`` places cut into slices of ``step``."""
    return (slice(start, min(n, start + step)) for start in range(0, n, step))
