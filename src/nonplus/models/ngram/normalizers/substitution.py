"""What a normaliser does that works character by character."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.models.token_bytes import bytes_before

Span = tuple[int, int]

_NUMBER = re.compile(r"\d+(?:[.,\u060c\u066b\u2396\u2397\u2398]\d+)?")
RUN = re.compile("[^\x00-\x7f]+")
DIGITS = bytes.maketrans(b"123456789", b"000000000")
CONTROLS = bytes([*range(32), 127])


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Substitution:
    """What becomes of a text.

    ``inner`` is the part that is not trimmed, and ``lowered`` what becomes of its
    capitals. With ``whole_numbers`` a number with its fraction becomes one 0. Other
    digits of ASCII become 0, too, its control characters are deleted, and ``of_run``
    says what becomes of a run of characters outside ASCII: as much as of each of them.
    """

    inner: Callable[[str], Span]
    lowered: Callable[[str], str]
    whole_numbers: bool
    of_run: Callable[[str], str]

    def result(self, text: str) -> bytes:
        """What becomes of one text."""
        begin, stop = self.inner(text)
        lowered = self.lowered(text[begin:stop])
        done, parts = 0, []
        for first, last in self._numbers(lowered):
            parts += [lowered[done:first], "0"]
            done = last
        zeros = "".join([*parts, lowered[done:]])
        if not zeros.isascii():
            zeros = RUN.sub(lambda run: self.of_run(run[0]), zeros)
        return zeros.encode().translate(DIGITS, CONTROLS)

    def dropped(self, text: str) -> list[Span]:
        """The bytes of which nothing is left because of where they stand."""
        begin, stop = self.inner(text)
        later = [(first + 1, last) for first, last in self._numbers(text) if last > first + 1]
        spans = [span for span in ((0, begin), *later, (stop, len(text))) if span[0] < span[1]]
        if text.isascii() or not spans:
            return spans
        before = bytes_before(text)[np.array(spans).T].tolist()
        return list(zip(*before, strict=True))

    def _numbers(self, text: str) -> list[Span]:
        return [found.span() for found in _NUMBER.finditer(text)] if self.whole_numbers else []
