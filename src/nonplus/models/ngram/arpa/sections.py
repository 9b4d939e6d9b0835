"""The n-grams of one order in an ARPA file, from lines to columns.

Letters in shapes: M n-grams, k words of each.
"""

import re
from collections.abc import Iterator
from ctypes import CDLL
from dataclasses import dataclass
from itertools import islice
from typing import final

import numpy as np

from nonplus.kernels.native import arpa as native
from nonplus.models.ngram.arpa.decimals import float32s
from nonplus.models.ngram.arpa.lines import Lines, shown
from nonplus.models.ngram.arpa.repeats import Places, repeats
from nonplus.models.ngram.arpa.words import WordLookup
from nonplus.models.ngram.ngrams import Block

_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity|nan)", re.IGNORECASE)
_OVERFLOW = 2.0**128 - 2.0**103  # what rounds to an infinite float32
_TO_BLANKS = bytes.maketrans(b"\t\r", b"  ")
_AT_ONCE = 1 << 16  # n-grams read in Python if there is no C kernel
_RARE = 16  # and if there is one, where it stops

_Row = tuple[list[int], bytes, bytes]  # the ids of an n-gram and its two numbers


@final
@dataclass(frozen=True, slots=True)
class Section:
    """What stands between a line such as ``2-grams:`` and the next of its kind.

    ``listed`` is how many n-grams the header of the file promises. The ``highest``
    order of a model has no back-off weights.
    """

    order: int
    listed: int
    highest: bool


def read_section(lines: Lines, section: Section, words: WordLookup) -> Block:
    """The n-grams in the order of the file.

    Raises:
        BadModel: a line is not an n-gram of that order, or one that was there already;
            or there are not as many as the header promises.
    """
    loaded = native.functions()
    blocks: list[Block] = []
    places = Places()
    n = 0
    while True:
        if loaded is not None:
            places.add(n, lines.number + 1)
            blocks.append(_plain(loaded, lines, section, section.listed - n, words))
            n += len(blocks[-1].ids_Mk)
        rows = list(islice(_rows(lines, section, n, words, places), _AT_ONCE if loaded is None else _RARE))
        if not rows:
            break
        ids, probs, backoffs = zip(*rows, strict=True)
        blocks.append(Block(np.array(ids, np.int32), float32s(probs), float32s(backoffs)))
        n += len(rows)
    block = _joined(blocks, section.order)
    for earlier, later in repeats(block.ids_Mk):
        lines.refuse(
            f"this {section.order}-gram is on line {places.line_of(earlier)}, too, and each has one line; remove one",
            places.line_of(later),
        )
    return block


def _plain(loaded: CDLL, lines: Lines, section: Section, room: int, words: WordLookup) -> Block:
    """The n-grams of the next lines, read in C, up to one that needs a closer look."""
    text_N = np.frombuffer(lines.ahead(), np.uint8)
    plain = native.read(loaded, text_N, order=section.order, highest=section.highest, room=room)
    ids_Mk = words.ids_of(text_N, plain, section.order)
    plain = plain.first(len(ids_Mk))
    if len(ids_Mk):
        lines.skip(len(ids_Mk), int(plain.ends_M[-1]))
    return Block(ids_Mk, plain.log10_probs_M.copy(), plain.log10_backoffs_M.copy())


def _joined(blocks: list[Block], order: int) -> Block:
    """The n-grams of all blocks, which may be none."""
    none = Block(np.empty((0, order), np.int32), np.empty(0, np.float32), np.empty(0, np.float32))
    blocks = blocks or [none]
    return Block(
        np.concatenate([block.ids_Mk for block in blocks]),
        np.concatenate([block.log10_probs_M for block in blocks]),
        np.concatenate([block.log10_backoffs_M for block in blocks]),
    )


def _rows(lines: Lines, section: Section, n: int, words: WordLookup, places: Places) -> Iterator[_Row]:
    """The n-grams of the next lines, after ``n`` others; noted in ``places``."""
    while (line := lines.take()) is not None:
        if line.startswith(b"\\"):
            break
        if line:
            places.add(n, lines.number)
            n += 1
            if n > section.listed:
                lines.refuse(
                    f"this is {section.order}-gram number {n:,}, but the header promises {section.listed:,}; "
                    "correct the header, or make the file again"
                )
            yield _row(lines, line, section, words)
    if n < section.listed:
        lines.refuse(
            f"there are only {n:,} {section.order}-grams before this line, but the header promises "
            f"{section.listed:,}; the file was cut, or its header is wrong: fetch or make it again"
        )
    if line is not None:
        lines.give_back()


def _row(lines: Lines, line: bytes, section: Section, words: WordLookup) -> _Row:
    order = section.order
    fields = [field for field in line.translate(_TO_BLANKS).split(b" ") if field]
    if len(fields) not in (order + 1, order + 2):
        lines.refuse(
            f"a {order}-gram is a log-probability, {order} word{'s' * (order > 1)} and at most a back-off weight, "
            f"got {len(fields)} fields: {shown(line)}; make the file again"
        )
    prob, backoff = fields[0], fields[order + 1] if len(fields) == order + 2 else b"0"
    if not _number(lines, prob) <= 0:
        lines.refuse(f"the base-10 logarithm of a probability is at most 0, got {shown(prob)}; make the model again")
    weight = _number(lines, backoff)
    if not abs(weight) < _OVERFLOW:
        lines.refuse(f"a back-off weight is a finite float32 number, got {shown(backoff)}; make the model again")
    if section.highest and weight:
        lines.refuse(
            f"an n-gram of the highest order, {order}, has no back-off weight, got {shown(backoff)}; "
            "the header may lack an order: make the file again"
        )
    return [words.id_of(word) for word in fields[1 : order + 1]], prob, backoff


def _number(lines: Lines, text: bytes) -> float:
    if not _NUMBER.fullmatch(text):
        lines.refuse(f"{shown(text)} is not a number, which is needed there; make the file again")
    return float(text)
