"""Our own normaliser: canonical characters, one blank between words, one newline
between lines that hold something.

Nothing is glued, and nothing that can be seen is dropped or replaced. A newline, which
may be CRLF or CR, stays if a sentence is a line, else it is a blank. A run of other
blanks and control characters is one blank, but NUL is a character as any other.

Letters in shapes: D texts, N bytes given, K of them kept, B blanks outside ASCII.
"""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from nonplus.kernels.native import spacing as native
from nonplus.measure.records import Integers, Ints
from nonplus.measure.utf8_texts import Utf8Texts
from nonplus.models.ngram.normalizers.aligned import (
    Aligned,
    AlignedText,
    Bytes,
    Unit,
    by_characters,
    end_to_end,
    ends_of,
    offsets_up_to,
)
from nonplus.models.ngram.normalizers.canonical import composed

_BLANK, _NEWLINE = b" \n"
_CONTROLS = bytes([*range(1, 32), 127])
_GAPS = {
    "document": bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS)),
    "line": bytes.maketrans(_CONTROLS, bytes(_NEWLINE if c in b"\r\n" else _BLANK for c in _CONTROLS)),
}
_PART = re.compile("(?s:.){1,4096}[^ \n]*")  # no composition reaches over the beginning of an ASCII character
# Those outside ASCII that have three bytes; of two bytes, all from U+0080 to U+00A0.
_FURTHER = np.array([0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000])


def standard(texts: Utf8Texts, unit: Unit) -> Aligned:
    """Texts with one blank or, between lines, one newline between words."""
    if texts.is_ascii:
        return _spaced(texts, unit)
    decoded = texts.decoded()
    if all(map(_is_canonical, decoded)):
        return _spaced(Utf8Texts(_with_ascii_blanks(texts.data_N), texts.starts_D1), unit)
    canonical = _composed(decoded)
    return canonical.then(_spaced(Utf8Texts(_with_ascii_blanks(canonical.data_N), canonical.starts_D1), unit))


def _is_canonical(text: str) -> bool:
    return text.isascii() or unicodedata.is_normalized("NFC", text)


def _composed(texts: Sequence[str]) -> Aligned:
    """Texts in NFC, part by part, for most parts are that already."""
    parts = list(map(_PART.findall, texts))
    whole = end_to_end([_canonical(part) for own in parts for part in own])
    first_D1 = ends_of(list(map(len, parts)))
    return Aligned(whole.data_N, whole.starts_D1[first_D1], whole.given_D1[first_D1], whole.origin_N1)


def _canonical(text: str) -> AlignedText:
    if _is_canonical(text):
        data = text.encode()
        return AlignedText(data, np.arange(len(data) + 1))
    return by_characters(text, *composed(text))


def _with_ascii_blanks(data_N: Bytes) -> Bytes:
    """Other blanks as just as many bytes of ASCII blanks."""
    two_B = np.flatnonzero(data_N == 0xC2)
    two_B = two_B[data_N[two_B + 1] <= 0xA0]
    three_B = np.flatnonzero((data_N >= 0xE1) & (data_N <= 0xE3))
    parts_B = (data_N[three_B + place].astype(np.int32) for place in range(3))
    point_B = sum((part & 0x3F) << shift for part, shift in zip(parts_B, (12, 6, 0), strict=True)) & 0xFFFF
    three_B = three_B[np.isin(point_B, _FURTHER)]
    if not len(two_B) + len(three_B):
        return data_N
    result_N = data_N.copy()
    for begins, size in ((two_B, 2), (three_B, 3)):
        for place in range(size):
            result_N[begins + place] = _BLANK
    return result_N


def _spaced(texts: Utf8Texts, unit: Unit) -> Aligned:
    """One separator for each gap between words, and none at the ends of a text."""
    spaced = plain_spaced if native.functions() is None else native.spaced
    kept_K, origin_K1, kept_D1 = spaced(texts.data_N, texts.starts_D1, _GAPS[unit])
    return Aligned(kept_K, kept_D1, texts.starts_D1, origin_K1)


def plain_spaced(given_N: Bytes, starts_D1: Ints, classes: bytes) -> tuple[Bytes, Integers, Ints]:
    """:func:`nonplus.kernels.native.spacing.spaced` in NumPy."""
    data_N: Bytes = np.frombuffer(given_N.tobytes().translate(classes), np.uint8)
    newline_N = data_N == _NEWLINE
    gap_N = newline_N | (data_N == _BLANK)
    kept_N = ~gap_N
    kept_N[1:] |= gap_N[1:] & ~gap_N[:-1]  # the first byte of a gap
    begins = starts_D1[:-1][np.diff(starts_D1) > 0]
    kept_N[begins] = ~gap_N[begins]
    at_K = np.flatnonzero(kept_N)
    data_K = data_N[at_K]
    inner = np.flatnonzero(newline_N[1:] & gap_N[:-1]) + 1  # newlines after the first byte of their gap
    first = np.searchsorted(at_K, inner, side="right") - 1
    first = first[first >= 0]
    data_K[first[gap_N[at_K[first]]]] = _NEWLINE
    stops = np.searchsorted(at_K, starts_D1[1:])
    last = stops[stops > 0] - 1
    used_K = np.ones(len(at_K), np.bool_)
    used_K[last] = ~gap_N[at_K[last]]
    at_K = at_K[used_K]
    origin_K1: Integers = np.append(at_K, len(given_N)).astype(offsets_up_to(len(given_N)))
    return data_K[used_K], origin_K1, np.searchsorted(at_K, starts_D1)
