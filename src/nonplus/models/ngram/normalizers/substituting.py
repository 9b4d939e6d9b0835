"""Normalising character by character: the result from whole strings, and the origin of
its bytes from how many bytes each character becomes.

Letters in shapes: D texts, N bytes given, K bytes of which something is left, L
characters outside ASCII, U different ones, R bytes of the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.native.substituting import functions
from nonplus.measure.records import Integers, Ints
from nonplus.models.ngram.normalizers.aligned import Aligned, Bytes, ends_of, offsets_up_to, one_after_the_other
from nonplus.models.ngram.normalizers.run_by_run import run_by_run
from nonplus.models.ngram.normalizers.substitution import RUN, Substitution


def substituted(texts: Sequence[str], rule: Substitution) -> Aligned:
    """Texts by that rule."""
    given = [text.encode() for text in texts]
    return plain_substituted(texts, given, rule) if functions() is None else _in_c(texts, given, rule)


def _in_c(texts: Sequence[str], given: Sequence[bytes], rule: Substitution) -> Aligned:
    """The same in C, but for those few texts that it cannot do."""
    found = run_by_run(texts, given, rule)
    if found is not None:
        return found
    if len(texts) == 1:
        return plain_substituted(texts, given, rule)
    half = len(texts) // 2
    return one_after_the_other(_in_c(texts[:half], given[:half], rule), _in_c(texts[half:], given[half:], rule))


def plain_substituted(texts: Sequence[str], given: Sequence[bytes], rule: Substitution) -> Aligned:
    """:func:`substituted` in Python and NumPy."""
    results = list(map(rule.result, texts))
    given_D1 = ends_of(list(map(len, given)))
    given_N = np.frombuffer(b"".join(given), np.uint8)
    width_N = ((given_N >= 32) & (given_N < 127)).view(np.uint8)
    foreign = _Foreign.of("".join(texts), given_N, rule)
    width_N[foreign.at_L] = foreign.width_L
    for text, start in zip(texts, given_D1.tolist(), strict=False):
        for begin, stop in rule.dropped(text):
            width_N[start + begin : start + stop] = 0
    at_K = np.flatnonzero(width_N)
    origin_R = foreign.spread(at_K, width_N[at_K].astype(np.int64)) if len(foreign.at_L) else at_K
    origin_R1: Integers = np.append(origin_R, len(given_N)).astype(offsets_up_to(len(given_N)))
    return Aligned(np.frombuffer(b"".join(results), np.uint8), ends_of(list(map(len, results))), given_D1, origin_R1)


@final
@dataclass(frozen=True, slots=True)
class _Foreign:
    """Characters outside ASCII: where each begins, how many bytes it has, how many it
    becomes, and whether it stays the same.
    """

    at_L: Ints
    size_L: Ints
    width_L: NDArray[np.uint8]
    same_L: NDArray[np.bool_]

    @classmethod
    def of(cls, text: str, given_N: Bytes, rule: Substitution) -> "_Foreign":
        runs = "".join(RUN.findall(text)) if not text.isascii() else ""
        point_L = np.frombuffer(runs.encode("utf-32-le"), np.uint32)
        point_U, which_L = np.unique(point_L, return_inverse=True)
        given_U = list(map(chr, point_U.tolist()))
        result_U = [rule.of_run(rule.lowered(character)) for character in given_U]
        width_U = np.array([len(result.encode()) for result in result_U], np.uint8)
        same_U = np.array([result == given for result, given in zip(result_U, given_U, strict=True)], np.bool_)
        size_L = 2 + (point_L > 0x7FF).astype(np.int64) + (point_L > 0xFFFF)
        return cls(np.flatnonzero(given_N >= 0xC0), size_L, width_U[which_L], same_U[which_L])

    def spread(self, at_K: Ints, width_K: Ints) -> Ints:
        """The origin of each byte of the result (R,).

        The first of several that a character becomes stands for the whole of it, unless
        it stays the same.
        """
        many = np.flatnonzero(width_K > 1)
        width_M, foreign_M = width_K[many], np.searchsorted(self.at_L, at_K[many])
        inside = np.arange(width_M.sum()) - np.repeat(np.cumsum(width_M) - width_M, width_M)
        later = np.where(np.repeat(self.same_L[foreign_M], width_M), inside, np.repeat(self.size_L[foreign_M], width_M))
        origin_R = np.repeat(at_K, width_K)
        origin_R[np.repeat((np.cumsum(width_K) - width_K)[many], width_M) + inside] += np.where(inside > 0, later, 0)
        return origin_R
