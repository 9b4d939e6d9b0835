"""What a subword tokenizer of an n-gram model is: it cuts strings into pieces.

Letters in shapes: S strings, T pieces of all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from nonplus.measure.records import Bools, Integers, Ints
from nonplus.models.ngram.ngrams import WordIds

BLANKS = b"\t\n\v\f\r "


@final
@dataclass(frozen=True, slots=True)
class Strings:
    """Byte strings end to end, and where each of them ends (S,)."""

    data: bytes
    stops: Ints

    def each(self, places: Ints | None = None) -> list[bytes]:
        """All of them, or some."""
        begins = np.concatenate([[0], self.stops[:-1]])[: len(self.stops)]
        begin_S, stop_S = (begins, self.stops) if places is None else (begins[places], self.stops[places])
        return [self.data[a:b] for a, b in zip(begin_S.tolist(), stop_S.tolist(), strict=True)]

    def some_at_a_time(self, size: int) -> Iterator["Strings"]:
        """All of them, those of about ``size`` bytes together."""
        bounds = np.searchsorted(self.stops, np.arange(size, len(self.data), size))
        for first, last in pairwise(np.unique([0, *bounds, len(self.stops)]).tolist()):
            begin = int(self.stops[first - 1]) if first else 0
            stops = self.stops[first:last]
            yield Strings(self.data[begin : int(stops[-1])], stops - begin)


@final
class Others:
    """Numbers, from ``first`` on, of pieces that have none in their model."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._number: dict[bytes, int] = {}

    @property
    def names(self) -> list[bytes]:
        """Those that have got one, in this order."""
        return list(self._number)

    def numbers(self, names: Sequence[bytes]) -> WordIds:
        """The number of each piece; a new one gets the next."""
        number, first = self._number, self._first
        return np.array([number.setdefault(name, first + len(number)) for name in names], np.int32)


@final
@dataclass(frozen=True, slots=True)
class Cuts:
    """The pieces of S strings: the number of each piece (T,), how many bytes of its
    string follow it (T,), and how many are in each string (S,).

    A number below the ``size`` of the model is one of its pieces; ``others`` have the
    next ones.
    """

    number_T: Integers
    rest_T: Ints
    count_S: Ints
    others: Sequence[bytes] = ()

    @classmethod
    def of(
        cls, pieces: Sequence[Sequence[bytes]], stops: Sequence[Sequence[int]], strings: Strings, *, size: int
    ) -> "Cuts":
        """Those of strings that were cut one by one, from where each piece stops, all
        as others than those of a model of that size.
        """
        count_S = np.array(list(map(len, pieces)), np.int64)
        length_S = np.diff(strings.stops, prepend=0)
        others = Others(size)
        number_T = others.numbers([piece for own in pieces for piece in own])
        stop_T = np.array([stop for own in stops for stop in own], np.int64)
        return cls(number_T, np.repeat(length_S, count_S) - stop_T, count_S, others.names)


def in_turn(one_T: Bools, ones: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """Two columns as one: ``ones`` at the places that are true."""
    column = np.empty(len(one_T), others.dtype)
    column[one_T], column[~one_T] = ones, others
    return column


class PieceModel(Protocol):
    """A subword tokenizer.

    ``kind`` is its name in a manifest, ``file`` that of its file in a bundle, ``data``
    the content of that. Its own pieces are numbered up to ``size``. At the ``blanks``,
    some of the ASCII ones, it cuts a text into words, each of which has the same pieces
    by itself. If it is ``led``, so has each word with the blanks before it: see
    ``learn_led`` of :class:`~nonplus.kernels.native.words.NativeWords`. Else it cuts
    texts as a whole.
    """

    @property
    def kind(self) -> str: ...  # noqa: D102

    @property
    def file(self) -> str: ...  # noqa: D102

    @property
    def data(self) -> bytes: ...  # noqa: D102

    @property
    def size(self) -> int: ...  # noqa: D102

    @property
    def blanks(self) -> bytes: ...  # noqa: D102

    @property
    def led(self) -> bool: ...  # noqa: D102

    def cut(self, strings: Strings) -> Cuts:
        """Each of ``strings``, in UTF-8, as pieces."""
        ...

    def piece(self, number: int) -> bytes:
        """The piece of a number below ``size``."""
        ...

    def spelled(self, pieces: Sequence[str]) -> str:
        """The text that pieces stand for."""
        ...
