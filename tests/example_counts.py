"""How many hypothesis examples a slow test takes under the active profile."""

from hypothesis import settings


def examples(n: int) -> settings:
    """``n`` examples, and under a profile of more than 100 that many times more."""
    return settings(max_examples=n * max(1, settings.default.max_examples // 100))
