"""Normalising in C: each different run of characters outside ASCII is looked at once.

Letters in shapes: D texts, L runs of all of them, V different ones.
"""

import functools
import re
from collections.abc import Sequence

import numpy as np

from nonplus.kernels.native import substituting as native
from nonplus.models.ngram.normalizers.aligned import Aligned, ends_of
from nonplus.models.ngram.normalizers.substitution import CONTROLS, DIGITS, RUN, Substitution
from nonplus.models.token_bytes import bytes_before

_CONTEXTUAL = "\N{GREEK CAPITAL LETTER SIGMA}"  # whose small letter depends on what follows
_IN_NUMBERS = re.compile("[\\d\u060c\u066b\u2396\u2397\u2398]")
_KEPT = 1 << 16  # runs of which the result is kept


def run_by_run(texts: Sequence[str], given: Sequence[bytes], rule: Substitution) -> Aligned | None:
    """Texts by that rule; ``None`` if C is not there, or what becomes of a run depends
    on what stands beside it. ``given`` are the texts in UTF-8.
    """
    given_D1 = ends_of(list(map(len, given)))
    if native.functions() is None or given_D1[-1] >= native.MOST:
        return None
    inner = [rule.inner(text) for text in texts]
    runs = _runs("\n".join(text[begin:stop] for text, (begin, stop) in zip(texts, inner, strict=True)), rule)
    if runs is None:
        return None
    bytes_D2 = np.array([_in_bytes(text, span) for text, span in zip(texts, inner, strict=True)]).reshape(-1, 2)
    begin_D, stop_D = bytes_D2.T + given_D1[:-1]
    made_R, origin_R, end_D = native.substituted(
        b"".join(given), begin_D, stop_D, table=_table(rule), numbers=rule.whole_numbers, runs=runs
    )
    origin_R1 = np.append(origin_R, np.int32(given_D1[-1]))
    return Aligned(made_R, np.append(0, end_D), given_D1, origin_R1)


def _in_bytes(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """A part in bytes of UTF-8."""
    begin, stop = span
    if text.isascii():
        return span
    before = len(text[:begin].encode())
    return before, before + len(text[begin:stop].encode())


def _runs(text: str, rule: Substitution) -> native.Runs | None:
    found = RUN.findall(text) if not text.isascii() else []
    number: dict[str, int] = {}
    which_L = np.array([number.setdefault(run, len(number)) for run in found], np.int32)
    different = "".join(number)
    by_context = rule.lowered(_CONTEXTUAL) != _CONTEXTUAL and _CONTEXTUAL in different
    if by_context or (rule.whole_numbers and _IN_NUMBERS.search(different)):
        return None
    made = [_made(rule, run) for run in number]
    origins = [place for _, places in made for place in places]
    stop_V = np.cumsum([len(each) for each, _ in made], dtype=np.int64)
    return native.Runs(which_L, b"".join(each for each, _ in made), np.array(origins, np.int32), stop_V)


@functools.lru_cache(_KEPT)
def _made(rule: Substitution, run: str) -> tuple[bytes, Sequence[int]]:
    """What a run becomes, and the place in it of each byte of that: the first of
    several that a character becomes stands for the whole of it, unless it stays the
    same.
    """
    places: list[int] = []
    for character, begin in zip(run, bytes_before(run).tolist(), strict=False):
        result, size = _result(rule, character), len(character.encode())
        if result.decode() == character:
            places += range(begin, begin + size)
        else:
            places += [begin, *[begin + size] * (len(result) - 1)][: len(result)]
    return _result(rule, run), places


def _result(rule: Substitution, run: str) -> bytes:
    return rule.of_run(rule.lowered(run)).encode().translate(DIGITS, CONTROLS)


@functools.cache
def _table(rule: Substitution) -> bytes:
    """What becomes of each character of ASCII, 0 for nothing."""
    lowered = rule.lowered(bytes(range(128)).decode()).encode().translate(DIGITS)
    return bytes(0 if byte in CONTROLS else lowered[byte] for byte in range(128)) + bytes(128)
