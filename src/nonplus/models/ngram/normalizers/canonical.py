"""Canonical composition (NFC), and what became of each character.

Letters in shapes: C characters given.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator

import numpy as np

from nonplus.measure.records import Ints

# No canonical composition reaches over the beginning of an ASCII character.
_STRETCH = re.compile("[\x00-\x7f]?[^\x00-\x7f]+")
_LAST_DECOMPOSABLE = 0x2FFFF
_TOGETHER = 0x100


def composed(text: str) -> tuple[str, Ints]:
    """A text in NFC, and how many characters each became, shape (C,).

    Those that are composed together count as the first one's.
    """
    width_C = np.ones(len(text), np.int64)
    for stretch in _STRETCH.finditer(text):
        if not unicodedata.is_normalized("NFC", stretch[0]):
            for start, stop in _apart(text, *stretch.span()):
                width_C[start:stop] = 0
                width_C[start] = len(unicodedata.normalize("NFC", text[start:stop]))
    return unicodedata.normalize("NFC", text), width_C


def _apart(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Parts of a stretch that are composed each by itself."""
    for at in range(start + 1, stop):
        if not _joins(text[at]):
            yield start, at
            start = at
    yield start, stop


def _joins(character: str) -> bool:
    """Whether a character may be composed with the one before it."""
    first = unicodedata.normalize("NFD", character)[0]
    return unicodedata.combining(first) > 0 or first in _second_letters()


@functools.cache
def _second_letters() -> frozenset[str]:
    """Characters that are not first in the decomposition of another."""
    vowels_and_finals = map(chr, [*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)])  # of Hangul, by a rule
    rules = (unicodedata.decomposition(character).split() for character in _decomposable())
    seconds = (chr(int(rule[1], 16)) for rule in rules if len(rule) == 2 and not rule[0].startswith("<"))
    return frozenset(seconds).union(vowels_and_finals)


def _decomposable() -> Iterator[str]:
    """Characters among which are all that decompose: asked of many at once, for most
    do not.
    """
    for begin in range(0, _LAST_DECOMPOSABLE, _TOGETHER):
        together = "".join(map(chr, range(begin, begin + _TOGETHER)))
        if not unicodedata.is_normalized("NFD", together):
            yield from together
