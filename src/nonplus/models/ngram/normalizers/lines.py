"""Lines that are normalised each by itself.

Letters in shapes: D texts, L lines of all of them.
"""

from collections.abc import Callable, Sequence

import numpy as np

from nonplus.models.ngram.normalizers.aligned import Aligned, ends_of

_NEWLINE = ord("\n")


def by_lines(texts: Sequence[str], normalize: Callable[[Sequence[str]], Aligned]) -> Aligned:
    """The normalised lines of each text with a newline between them.

    A line of which nothing is left is left out. ``normalize`` drops the newline at the
    end of a line.
    """
    lines = [_lines(text) for text in texts]
    first_D1 = ends_of(list(map(len, lines)))
    given = normalize([line for own in lines for line in own])
    some = np.flatnonzero(np.diff(given.starts_D1))
    text_L = np.searchsorted(first_D1, some, side="right")
    joined = some[:-1][text_L[1:] == text_L[:-1]]  # lines that another one of their text follows
    at, newline = given.starts_D1[joined + 1], given.given_D1[joined + 1] - 1
    return Aligned(
        np.insert(given.data_N, at, _NEWLINE),
        given.starts_D1[first_D1] + np.searchsorted(joined, first_D1),
        given.given_D1[first_D1],
        np.insert(given.origin_N1, at, newline),
    )


def _lines(text: str) -> list[str]:
    *whole, last = text.split("\n")
    return [line + "\n" for line in whole] + ([last] if last else [])
