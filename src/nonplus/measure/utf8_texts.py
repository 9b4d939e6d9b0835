"""Texts in UTF-8, end to end: many of them without an object for each.

Letters in shapes: D texts, N bytes of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.measure.records import Ints


@final
@dataclass(frozen=True, slots=True, eq=False)
class Utf8Texts:
    """Text ``d`` is ``data_N[starts_D1[d] : starts_D1[d + 1]]``; the first begins at 0,
    and the last ends where the data do.
    """

    data_N: NDArray[np.uint8]
    starts_D1: Ints

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """Texts of Python.

        Raises:
            BadInput: one is of another type, or holds what UTF-8 cannot.
        """
        try:
            whole = "".join(texts)
        except TypeError:
            kinds = [type(text).__name__ for text in texts]
            place, kind = next((place, kind) for place, kind in enumerate(kinds, 1) if kind != "str")
            raise BadInput(f"text {place} is of type {kind}, where text is needed") from None
        if whole.isascii():
            return cls(np.frombuffer(whole.encode(), np.uint8), _ends(list(map(len, texts))))
        try:
            given = [text.encode() for text in texts]
        except UnicodeEncodeError as wrong:
            place = next(place for place, text in enumerate(texts, 1) if text is wrong.object or text == wrong.object)
            raise BadInput(
                f"text {place} holds {wrong.object[wrong.start]!a} at character {wrong.start}, half of a surrogate "
                "pair, which is not text; decode the source with the encoding it was written in"
            ) from None
        return cls(np.frombuffer(b"".join(given), np.uint8), _ends(list(map(len, given))))

    def __len__(self) -> int:
        """How many texts."""
        return len(self.starts_D1) - 1

    @property
    def is_ascii(self) -> bool:
        """Whether each byte is a character."""
        return bool(self.data_N.max(initial=0) < 0x80)

    def decoded(self) -> list[str]:
        """Texts of Python."""
        data = self.data_N.tobytes()
        return [data[start:stop].decode() for start, stop in pairwise(self.starts_D1.tolist())]

    def part(self, start: int, stop: int) -> "Utf8Texts":
        """Texts ``[start, stop)``."""
        first, last = self.starts_D1[[start, stop]].tolist()
        return Utf8Texts(self.data_N[first:last], self.starts_D1[start : stop + 1] - first)


def _ends(lengths: Sequence[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(np.array(lengths, np.int64))])
