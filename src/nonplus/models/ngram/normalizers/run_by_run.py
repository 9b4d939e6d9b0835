"""Normalising in C: each different run of characters outside ASCII is looked at once.

Letters in shapes: D texts, L runs of all of them, V different ones.
"""

import functools
import re
from collections.abc import Sequence

import numpy as np

from nonplus.kernels.native import substituting as native
from nonplus.measure.records import Ints
from nonplus.models.ngram.normalizers.aligned import Aligned, ends_of
from nonplus.models.ngram.normalizers.substitution import CONTROLS, DIGITS, Span, Substitution
from nonplus.models.token_bytes import bytes_before

_CONTEXTUAL = "\N{GREEK CAPITAL LETTER SIGMA}"  # whose small letter depends on what follows
_IN_NUMBERS = re.compile("[\\d\u060c\u066b\u2396\u2397\u2398]")
_KEPT = 1 << 16  # runs of which the result is kept
_SHORT = 64  # characters of one: a longer one hardly comes again


def run_by_run(texts: Sequence[str], given: Sequence[bytes], rule: Substitution) -> Aligned | None:
    """Texts by that rule; ``None`` if there are too many of them, or what becomes of a
    run depends on what stands beside it. ``given`` are the texts in UTF-8. The caller
    checks that C is there.
    """
    given_D1 = ends_of(list(map(len, given)))
    if given_D1[-1] >= native.MOST:
        return None
    data = b"".join(given)
    spans = [_in_bytes(text, rule.inner(text), len(own)) for text, own in zip(texts, given, strict=True)]
    begin_D, stop_D = np.array(spans, np.int64).reshape(-1, 2).T + given_D1[:-1]
    runs = _runs(_foreign(data, begin_D, stop_D), rule)
    if runs is None:
        return None
    made_R, origin_R, end_D = native.substituted(
        data, begin_D, stop_D, table=_table(rule), numbers=rule.whole_numbers, runs=runs
    )
    origin_R1 = np.append(origin_R, np.int32(given_D1[-1]))
    return Aligned(made_R, np.append(0, end_D), given_D1, origin_R1)


def _in_bytes(text: str, span: Span, size: int) -> Span:
    """A part in bytes of UTF-8, of which the text has ``size``."""
    begin, stop = span
    return len(text[:begin].encode()), size - len(text[stop:].encode())


def _foreign(data: bytes, begin_D: Ints, stop_D: Ints) -> list[bytes]:
    """The runs of bytes outside ASCII in parts of texts."""
    at = np.flatnonzero(np.frombuffer(data, np.uint8) >= 0x80)
    if not len(at):
        return []
    part = np.searchsorted(begin_D, at, side="right") - 1
    inside = (part >= 0) & (at < stop_D[part])
    at, part = at[inside], part[inside]
    first_L = np.flatnonzero(np.append(True, (np.diff(at) > 1) | (np.diff(part) > 0))[: len(at)])
    begins, stops = at[first_L], at[np.append(first_L, len(at))[1:] - 1] + 1
    return [data[begin:stop] for begin, stop in zip(begins.tolist(), stops.tolist(), strict=True)]


def _runs(found: Sequence[bytes], rule: Substitution) -> native.Runs | None:
    number: dict[bytes, int] = {}
    which_L = np.array([number.setdefault(run, len(number)) for run in found], np.int32)
    runs = [run.decode() for run in number]
    different = "".join(runs)
    by_context = rule.lowered(_CONTEXTUAL) != _CONTEXTUAL and _CONTEXTUAL in different
    if by_context or (rule.whole_numbers and _IN_NUMBERS.search(different)):
        return None
    made = [(_kept if len(run) <= _SHORT else _made)(rule, run) for run in runs]
    origins = [place for _, places in made for place in places]
    stop_V = np.cumsum([len(each) for each, _ in made], dtype=np.int64)
    return native.Runs(which_L, b"".join(each for each, _ in made), np.array(origins, np.int32), stop_V)


@functools.lru_cache(_KEPT)
def _kept(rule: Substitution, run: str) -> tuple[bytes, Sequence[int]]:
    return _made(rule, run)


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
