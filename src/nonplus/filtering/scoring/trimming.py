"""Where the good text of a document begins and ends: garbage at its ends is cut off.

The kept part is the stretch between two ends of lines or sentences that saves the most
bits against a limit in bits per byte: the maximal scoring segment of Karlin and
Altschul (1990). Cutting costs bits itself, so that a few odd words are no reason to.

Letters in shapes: D documents, S scored tokens of one, P places where it may be cut,
its own ends first and last.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.filtering.scoring.columns import ScoreColumns
from nonplus.filtering.scoring.figures import Figures, Judge, Languages, figures
from nonplus.filtering.scoring.scorer import score_columns
from nonplus.measure.records import Floats, Integers, Ints, n_bytes

# Ends of lines, and of sentences in scripts that mark them; the last five need no blank
# after them. In UTF-8 no other character has these bytes in it.
_END = re.compile(
    rb"\n+|[.!?]['\")\]]*[ \t]+|(?:"
    + b"|".join(re.escape(chr(mark).encode()) for mark in (0x3002, 0xFF01, 0xFF1F, 0x0964, 0x061F))
    + rb")[ \t]*"
)
_MOST = 1000 * math.log(2)  # nats that one token can cost: one of probability 0 would cost all

TRIM_BITS = 256.0  # about ten odd words of English
EXTENT = ("trimmed_bytes", "kept_begin", "kept_end")  # columns: what was cut off, and what was kept

Where = Literal["end", "begin", "both"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Trimming:
    """What is cut off: text of more than ``trim`` bits per byte at the ``trim_at`` of
    documents, where it costs ``trim_bits`` bits more than such text would.

    A document of which less than half would be left stays as it is: it is for the rule
    to judge.
    """

    trim: float
    trim_at: Where = "end"
    trim_bits: float = TRIM_BITS

    def __post_init__(self) -> None:
        for name in ("trim", "trim_bits"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise BadInput(f"{name}={value} is no number of bits above 0; use e.g. trim=3.5, trim_bits=256")


class Span(NamedTuple):
    """The bytes ``[begin, end)`` of a text that are kept of it."""

    begin: int
    end: int


@final
@dataclass(frozen=True, slots=True, eq=False)
class Trimmed:
    """The texts of D documents as they are left, and the figures of what is left.

    ``begin`` and ``end`` (D,) are the bytes that were kept of each text, which had
    ``bytes`` (D,).
    """

    texts: Sequence[str]
    figures: Figures
    begin: Ints
    end: Ints
    bytes: Ints

    @property
    def extent(self) -> dict[str, Ints]:
        """What was cut off, as columns."""
        cut_D = self.bytes - (self.end - self.begin)
        return dict(zip(EXTENT, (cut_D, self.begin, self.end), strict=True))


def trimmed(judge: Judge, texts: Sequence[str], languages: Languages, trimming: Trimming) -> Trimmed:
    """The documents without the garbage at their ends, and their figures without it."""
    columns, left = ScoreColumns.of_nothing(len(texts)), list(texts)
    bytes_D = np.array([n_bytes(text) for text in texts], np.int64)
    begin_D, end_D = np.zeros_like(bytes_D), bytes_D.copy()
    cut: list[int] = []
    for reading in judge.readings(texts, languages):
        columns.put(reading.places, score_columns(reading.surprisals))
        for row, place in enumerate(reading.places.tolist()):
            own = slice(*reading.surprisals.offsets[row : row + 2].tolist())
            span = good_span(texts[place], reading.surprisals.nats[own], reading.surprisals.ends[own], trimming)
            if span != (0, bytes_D[place]):
                cut.append(place)
                begin_D[place], end_D[place] = span
                left[place] = texts[place].encode()[slice(*span)].decode()
    again = figures(judge, [left[place] for place in cut], [languages[place] for place in cut])
    columns.put(np.array(cut, np.int64), again.columns)
    models = [judge.model_of(language) for language in languages]
    return Trimmed(left, Figures(columns, models), begin_D, end_D, bytes_D)


def left_of(texts: Sequence[str], columns: Mapping[str, NDArray[Any]]) -> dict[int, str]:
    """The texts that are shorter now, by their places, as the columns of ``extent`` say
    it; none without these.
    """
    if not columns.keys() >= set(EXTENT):
        return {}
    cut_D, begin_D, end_D = (columns[name].tolist() for name in EXTENT)
    cut = [place for place, cut in enumerate(cut_D) if cut]
    return {place: texts[place].encode()[begin_D[place] : end_D[place]].decode() for place in cut}


def good_span(text: str, nats_S: Floats, ends_S: Integers, trimming: Trimming) -> Span:
    """What to keep of a text whose scored tokens end at bytes ``ends_S``, rising.

    Of two spans that are as good, it is the longer one.
    """
    data = text.encode()
    places_P = np.unique([0, *(found.end() for found in _END.finditer(data)), len(data)])
    span = _best(places_P, _gains(places_P, nats_S, ends_S, trimming.trim), trimming)
    if 2 * (span.end - span.begin) < len(data) or not data[slice(*span)].strip():
        return Span(0, len(data))
    return span


def _gains(places_P: Ints, nats_S: Floats, ends_S: Integers, limit: float) -> Floats:
    """How many bits the text before each place saves against the limit (P,).

    A token that a place divides counts as after it.
    """
    bits_S1 = np.concatenate([[0.0], np.cumsum(np.minimum(nats_S, _MOST))]) / math.log(2)
    gain_P: Floats = limit * places_P - bits_S1[np.searchsorted(ends_S, places_P, side="right")]
    return gain_P


def _best(places_P: Ints, gain_P: Floats, trimming: Trimming) -> Span:
    begin_P, end_P = gain_P + trimming.trim_bits, gain_P - trimming.trim_bits  # of a text cut at each place
    begin_P[0], end_P[-1] = gain_P[0], gain_P[-1]
    if trimming.trim_at == "end":
        begin_P[1:] = np.inf
    if trimming.trim_at == "begin":
        end_P[:-1] = -np.inf
    saved_P = end_P - np.minimum.accumulate(begin_P)
    end = len(saved_P) - 1 - int(np.argmax(saved_P[::-1]))
    begin = int(np.argmin(begin_P[: end + 1]))
    return Span(int(places_P[begin]), int(places_P[end]))
