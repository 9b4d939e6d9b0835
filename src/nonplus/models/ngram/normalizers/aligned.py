"""Normalised texts, and the byte of the user's own text that each byte came from.

Letters in shapes: D texts, N bytes of all of them after normalising, T tokens; C
characters given, K characters of the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Integers, Ints
from nonplus.measure.utf8_texts import Utf8Texts
from nonplus.models.token_bytes import bytes_before

Unit = Literal["line", "document"]
Bytes = NDArray[np.uint8]


@final
@dataclass(frozen=True, slots=True)
class Aligned:
    """Texts in UTF-8 after normalising, laid end to end.

    Text ``d`` has the bytes ``[starts_D1[d], starts_D1[d + 1])`` of ``data_N``. The
    texts that were given, end to end too, begin at ``given_D1``. Byte ``n`` came from
    what begins at their byte ``origin_N1[n]``, which never falls, and whose last is
    their length. So what was dropped belongs to what stands before it.
    """

    data_N: Bytes
    starts_D1: Ints
    given_D1: Ints
    origin_N1: Integers

    def then(self, after: "Aligned") -> "Aligned":
        """Both steps as one: ``after`` normalised the result of this one."""
        return Aligned(after.data_N, after.starts_D1, self.given_D1, self.origin_N1[after.origin_N1])

    def bytes_from(self, byte_D: Ints) -> Ints:
        """How many bytes of each text came from its byte ``byte_D`` as it was given, or
        from a later one, shape (D,).
        """
        first_D = np.searchsorted(self.origin_N1[:-1], self.given_D1[:-1] + byte_D)
        return self.starts_D1[1:] - np.clip(first_D, self.starts_D1[:-1], self.starts_D1[1:])


def one_after_the_other(first: Aligned, second: Aligned) -> Aligned:
    """The texts of both."""
    given, kept = int(first.given_D1[-1]), int(first.starts_D1[-1])
    origin_N1: Ints = np.concatenate([first.origin_N1[:-1], second.origin_N1 + np.int64(given)])
    return Aligned(
        np.concatenate([first.data_N, second.data_N]),
        np.concatenate([first.starts_D1, second.starts_D1[1:] + kept]),
        np.concatenate([first.given_D1, second.given_D1[1:] + given]),
        origin_N1.astype(offsets_up_to(int(origin_N1[-1]))),
    )


@final
@dataclass(frozen=True, slots=True)
class AlignedText:
    """One normalised text, its origins as in :class:`Aligned`."""

    data: bytes
    origin_N1: Ints


def end_to_end(texts: Sequence[AlignedText]) -> Aligned:
    """Many texts."""
    given_D1 = ends_of([int(text.origin_N1[-1]) for text in texts])
    starts_D1 = ends_of([len(text.data) for text in texts])
    origins = [text.origin_N1[:-1] + start for text, start in zip(texts, given_D1.tolist(), strict=False)]
    origin_N1: Integers = np.concatenate([*origins, given_D1[-1:]]).astype(offsets_up_to(int(given_D1[-1])))
    return Aligned(np.frombuffer(b"".join(text.data for text in texts), np.uint8), starts_D1, given_D1, origin_N1)


def unchanged(texts: Utf8Texts) -> Aligned:
    """Texts as they are."""
    origin_N1: Integers = np.arange(len(texts.data_N) + 1, dtype=offsets_up_to(len(texts.data_N)))
    return Aligned(texts.data_N, texts.starts_D1, texts.starts_D1, origin_N1)


def by_characters(text: str, result: str, width_C: Ints) -> AlignedText:
    """A text of which each character became ``width_C`` characters of the result.

    The first of several stands for the whole character, the others for nothing.
    """
    given_C1, result_K1 = bytes_before(text), bytes_before(result)
    from_K = np.repeat(np.arange(len(text)), width_C)
    first_K = np.diff(from_K, prepend=-1) > 0
    origin_K = given_C1[from_K + ~first_K]
    of_N = np.repeat(np.arange(len(result)), np.diff(result_K1))
    inside_N = np.arange(len(of_N)) - result_K1[of_N]
    origin_N = np.minimum(origin_K[of_N] + inside_N, given_C1[from_K[of_N] + 1])
    return AlignedText(result.encode(), np.append(origin_N, given_C1[-1:]))


def ends_of(lengths: Sequence[int]) -> Ints:
    """Where things of these lengths begin and end, one after the other."""
    return np.concatenate([[0], np.cumsum(np.array(lengths, np.int64))])


def offsets_up_to(size: int) -> type[np.int32 | np.int64]:
    """The narrower type that counts so far."""
    return np.int32 if size < np.iinfo(np.int32).max else np.int64
