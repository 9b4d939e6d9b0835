"""Which documents to look at: those around each cut, at both ends and in the middle.

Letters in shapes: D documents.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import final

import numpy as np

from nonplus.filtering.calibration.bounds import REPEATS
from nonplus.measure.records import Floats, Ints

EACH = 3  # documents on each shelf


@final
@dataclass(frozen=True, slots=True)
class Shelf:
    """Documents of the sample next to each other in bits per byte.

    ``name`` says which; ``places`` are theirs in the sample, the lowest first; ``cut``
    is the bound that they lie around, if it is one.
    """

    name: str
    places: tuple[int, ...]
    cut: float | None = None


@final
@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of a text around its worst window: what stands before that, it, and what
    after. ``begun`` and ``ended`` tell whether the piece has the text's own begin and
    end.
    """

    before: str
    worst: str
    after: str
    begun: bool
    ended: bool


def shelves(
    bits_D: Floats, judged_D: Ints, cuts: Sequence[tuple[str, float]], others: Sequence[float] = ()
) -> Iterator[Shelf]:
    """Documents to look at, from the lowest bits per byte to the highest.

    ``judged`` are the places of those to choose from; ``cuts`` the names and bounds;
    ``others`` are bounds with one document on either side.
    """
    order = judged_D[np.lexsort((judged_D, bits_D[judged_D]))]
    if not len(order):
        return
    sorted_bits = bits_D[order]
    middle = len(order) // 2
    found: list[tuple[int, int, str, float | None]]
    found = [(0, EACH, "the lowest of all", None), (middle - EACH // 2, EACH, "the middle", None)]
    for name, bound, each in (*((*cut, EACH) for cut in cuts), *((f"around {cut:.2f}", cut, 1) for cut in others)):
        found.append((int(np.searchsorted(sorted_bits, bound, side="right")) - each, 2 * each, name, bound))
    found.append((len(order) - EACH, EACH, "the highest of all", None))
    for first, number, name, cut in sorted(found, key=itemgetter(0)):
        start = max(0, min(first, len(order) - number))
        yield Shelf(name, tuple(order[start : start + number].tolist()), cut)


def repeating(repeated_D: Floats) -> Iterator[Shelf]:
    """Those that repeat the largest share of themselves, above ``REPEATS``."""
    places = np.lexsort((np.arange(len(repeated_D)), -repeated_D))[:EACH]
    found = tuple(place for place in places.tolist() if repeated_D[place] > REPEATS)
    if found:
        yield Shelf("what repeats itself most", found)


def excerpt(text: str, begin: int, end: int, *, room: int = 600) -> Excerpt:
    """About ``room`` characters around the bytes ``[begin, end)`` of the text in UTF-8.

    Where it has to cut, it cuts at a blank if there is one near.
    """
    raw = text.encode(errors="surrogatepass")
    first = len(raw[:begin].decode(errors="ignore"))
    last = max(first, len(raw[:end].decode(errors="ignore")))
    spare = max(0, room - (last - first)) // 2
    start = max(0, min(first - spare, len(text) - room))
    stop = min(len(text), max(start + room, last))
    start = _blank_after(text, start, first) if start else 0
    stop = _blank_before(text, stop, last) if stop < len(text) else stop
    return Excerpt(text[start:first], text[first:last], text[last:stop], start == 0, stop == len(text))


def _blank_after(text: str, start: int, most: int) -> int:
    found = next((place for place in range(start, min(start + 40, most)) if text[place].isspace()), start - 1)
    return found + 1


def _blank_before(text: str, stop: int, least: int) -> int:
    return next((place for place in range(stop, max(stop - 40, least), -1) if text[place].isspace()), stop)
