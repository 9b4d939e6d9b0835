"""Much work cut into pieces that fit."""

from collections.abc import Iterator


def lots(n: int, step: int) -> Iterator[slice]:
    """``n`` places cut into slices of ``step``."""
    return (slice(start, min(n, start + step)) for start in range(0, n, step))
