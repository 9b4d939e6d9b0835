"""What scored tokens cover of their texts: bytes, characters and words.

Letters in shapes: D documents, S scored tokens, C characters, Y bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Ints
from nonplus.measure.scores import ScoredTexts
from nonplus.measure.statistics.fixed_point import Block, blocks

# What str.split takes for a blank.
_BLANK = [*range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)]
_BLANK += [0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
_IS_BLANK = np.isin(np.arange(max(_BLANK) + 2), _BLANK)  # the last stands for all beyond


@final
@dataclass(frozen=True, slots=True)
class CoveredText:
    """What the scored tokens cover of their texts: bytes, and the characters and words
    that begin there; shapes (S,).
    """

    bytes_S: Ints
    chars_S: Ints
    words_S: Ints


def covered_text(texts: ScoredTexts) -> Iterator[tuple[Block, CoveredText]]:
    """What each scored token covers, in blocks."""
    encoded = [document.text.encode() for document in texts.documents]
    begins_D = np.cumsum([0, *map(len, encoded)])
    data_Y = np.frombuffer(b"".join(encoded), np.uint8)
    tokens = texts.tokens
    for block in blocks(texts.offsets):
        index_S, counts = texts.index[block.values], np.diff(block.runs)
        place_S = np.repeat(begins_D[:-1][block.owners], counts)
        first_S = index_S == np.repeat(tokens.offsets[:-1][block.owners], counts)
        start_S = np.where(first_S, 0, tokens.byte_ends[index_S - 1]) + place_S
        stop_S = tokens.byte_ends[index_S] + place_S
        begin, end = _whole_characters(data_Y, int(start_S[0]), int(stop_S[-1]))
        inside_D = begins_D[:-1][(begins_D[:-1] >= begin) & (begins_D[:-1] < end) & (not tokens.of.inside_word)]
        chars_Y, words_Y = _counted_before(data_Y[begin:end], inside_D - begin)
        start_S, stop_S = start_S - begin, stop_S - begin
        yield (
            block,
            CoveredText(stop_S - start_S, chars_Y[stop_S] - chars_Y[start_S], words_Y[stop_S] - words_Y[start_S]),
        )


def _whole_characters(data_Y: NDArray[np.uint8], begin: int, end: int) -> tuple[int, int]:
    """Bytes ``[begin, end)`` and those around them that make whole characters, with the
    character before, which says whether a word begins after it.
    """
    while end < len(data_Y) and data_Y[end] & 0xC0 == 0x80:
        end += 1
    while 0 < begin < len(data_Y) and data_Y[begin] & 0xC0 == 0x80:
        begin -= 1
    begin = max(0, begin - 1)
    while begin > 0 and data_Y[begin] & 0xC0 == 0x80:
        begin -= 1
    return begin, end


def _counted_before(data_Y: NDArray[np.uint8], begins_D: Ints) -> tuple[Ints, Ints]:
    """How many characters, and how many words, begin before each byte of texts laid end
    to end, the first of which may have begun before; shapes (Y + 1,).
    """
    begins_Y = (data_Y & 0xC0) != 0x80  # in UTF-8, all but the first byte of a character begin with the bits 10
    point_C = data_Y if begins_Y.all() else np.frombuffer(data_Y.tobytes().decode().encode("utf-32-le"), np.uint32)
    blank_C = np.take(_IS_BLANK, point_C, mode="clip")
    after_blank_C = np.concatenate([[False], blank_C[:-1]])[: len(blank_C)]
    chars_Y = np.concatenate([[0], np.cumsum(begins_Y)])
    first_C = chars_Y[begins_D]
    after_blank_C[first_C[first_C < len(after_blank_C)]] = True
    words_Y = np.zeros(len(data_Y), bool)
    words_Y[begins_Y] = after_blank_C & ~blank_C
    return chars_Y, np.concatenate([[0], np.cumsum(words_Y)])
