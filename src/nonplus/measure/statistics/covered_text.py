"""What scored tokens cover of their texts: bytes, characters and words.

Tokens tile their text. So those that follow each other cover all between the beginning
of the first and the end of the last, and only these two places are looked at.

Letters in shapes: D documents, S scored tokens, R runs of them, P places, Y bytes.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.measure.records import Bools, Ints, nowhere
from nonplus.measure.scores import ScoredTexts
from nonplus.measure.statistics.fixed_point import blocks
from nonplus.measure.statistics.native_sums import covered

# What str.split takes for a blank.
_BLANK = [*range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)]
_BLANK += [0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
_IS_BLANK = np.isin(np.arange(1 << 14), _BLANK)
_ASCII_BLANK = _IS_BLANK[:128].tobytes() + bytes(128)  # for bytes.translate
_BLOCK = 1 << 16  # bytes


@final
@dataclass(frozen=True, slots=True)
class CoveredText:
    """What the scored tokens of each document cover: bytes, and the characters and
    words that begin there; shapes (D,).
    """

    bytes_D: Ints
    chars_D: Ints
    words_D: Ints


def covered_text(texts: ScoredTexts) -> CoveredText:
    """What the scored tokens of each document cover."""
    encoded = [document.text.encode() for document in texts.documents]
    data, begins_D1 = b"".join(encoded), np.cumsum([0, *map(len, encoded)])
    at_once = covered(texts, data, begins_D1)
    return _at_edges(texts, data, begins_D1[:-1]) if at_once is None else CoveredText(*at_once)


def _at_edges(texts: ScoredTexts, data: bytes, begins_D: Ints) -> CoveredText:
    """The same without C: what is counted up to the edges of runs of tokens."""
    tokens, first_R, last_R = texts.tokens, *_runs(texts)
    document_R = np.searchsorted(tokens.offsets, first_R, side="right") - 1
    begins_R = begins_D[document_R]
    start_R = np.where(first_R == tokens.offsets[document_R], 0, tokens.byte_ends[first_R - 1]) + begins_R
    stop_R = tokens.byte_ends[last_R] + begins_R
    place_P = np.stack([start_R, stop_R], axis=1).ravel()
    chars_P, words_P = _begun_before(data, place_P, begins_D[:0] if tokens.of.inside_word else begins_D)
    runs_D = np.searchsorted(document_R, np.arange(len(texts) + 1))
    return CoveredText(*(_between(column, runs_D) for column in (place_P, chars_P, words_P)))


def _runs(texts: ScoredTexts) -> tuple[Ints, Ints]:
    """The first and the last token of runs of scored tokens that follow each other in a
    document, shapes (R,).
    """
    firsts, lasts = [], []
    for block in blocks(texts.offsets):
        index_S = texts.index[block.values]
        begins_S = np.append(True, index_S[1:] - index_S[:-1] != 1)
        begins_S[block.runs[:-1][np.diff(block.runs) > 0]] = True
        begin_R = np.flatnonzero(begins_S)
        firsts.append(index_S[begin_R])
        lasts.append(index_S[np.append(begin_R[1:], len(index_S)) - 1])
    return np.concatenate([nowhere(), *firsts]), np.concatenate([nowhere(), *lasts])


def _between(counted_P: Ints, runs_D: Ints) -> Ints:
    """What lies between the two places of each run, added up for each document."""
    before_R = np.concatenate([[0], np.cumsum(counted_P[1::2] - counted_P[::2])])
    return np.asarray(np.diff(before_R[runs_D]))


def _begun_before(data: bytes, place_P: Ints, begins_D: Ints) -> tuple[Ints, Ints]:
    """How many characters, and how many words, begin before each place of texts laid
    end to end; places rise, and no word goes on where a text begins.
    """
    chars, words = [], []
    n_inner = n_words = 0
    for start in range(0, len(data) + 1, _BLOCK):
        stop = start + _BLOCK
        own_P = place_P[slice(*np.searchsorted(place_P, [start, stop]))]
        inner, begun = _inner_bytes(data, start, stop), _beginnings(data, start, stop, begins_D)
        chars.append(own_P - n_inner - np.searchsorted(inner, own_P))
        words.append(n_words + np.searchsorted(begun, own_P))
        n_inner, n_words = n_inner + len(inner), n_words + len(begun)
    return np.concatenate(chars), np.concatenate(words)


def _inner_bytes(data: bytes, start: int, stop: int) -> Ints:
    """The bytes of ``[start, stop)`` that are not the first of their character."""
    byte_Y = np.frombuffer(data[start:stop], np.uint8)
    return np.flatnonzero(byte_Y & 0xC0 == 0x80) + start  # in UTF-8 they begin with the bits 10


def _beginnings(data: bytes, start: int, stop: int, begins_D: Ints) -> Ints:
    """The bytes of ``[start, stop)`` at which a word begins."""
    first = max(0, start - 3)  # with the whole character before
    blank_Y = _blank(data[first : stop + 2])
    after_Y = np.concatenate([[False], blank_Y[:-1]])
    after_Y[begins_D[slice(*np.searchsorted(begins_D, [first, first + len(after_Y)]))] - first] = True
    return np.flatnonzero((after_Y & ~blank_Y)[start - first : stop - first]) + start


def _blank(data: bytes) -> Bools:
    """Which bytes are (part of) a blank; shape (Y,)."""
    blank_Y = np.frombuffer(bytearray(data.translate(_ASCII_BLANK) + bytes(2)), np.bool_)
    if not data.isascii():
        byte_Y = np.frombuffer(data + bytes(2), np.uint8)
        first = np.flatnonzero((byte_Y == 0xC2) | (byte_Y - np.uint8(0xE1) < 3))  # so all longer blanks begin
        one, two, three = (byte_Y[first + place].astype(np.int32) & 0x3F for place in range(3))
        long = one >= 0x20  # of three bytes, not two
        blank = _IS_BLANK[np.where(long, (one & 0xF) << 12 | two << 6 | three, one << 6 | two)]
        for place, own in enumerate((blank, blank, blank & long)):
            blank_Y[first[own] + place] = True
    return blank_Y[:-2]
