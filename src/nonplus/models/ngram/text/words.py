"""Words: what stands between blanks, as KenLM has them.

Blanks are the ASCII ones, 9 to 13 and 32, for counting and for scoring alike; any other
run of bytes is a word, with NUL or a no-break blank in it too. A text that spells
``<unk>``, ``<UNK>``, ``<s>`` or ``</s>`` has an unknown word there, in training too: an
ARPA file has room for one word of that name.

Letters in shapes: N bytes, S parts of texts, T words of them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol, final

import numpy as np

from nonplus.kernels.native.words import ABSENT, ANY, NativeWords, functions
from nonplus.measure.records import Ints
from nonplus.models.ngram.ngrams import SPECIAL_WORDS, UNKNOWN, WordIds
from nonplus.models.ngram.normalizers.aligned import Bytes

_FIRST = len(SPECIAL_WORDS)  # the id of the first word that a text can have
_NEVER_KNOWN = [word.encode() for word in (*SPECIAL_WORDS, "<UNK>")]
_WORD = re.compile(rb"[^\t-\r ]+")
# A character, and all up to a space that follows no whitespace of Unicode, in UTF-8.
_LED_WORD = re.compile(
    rb"(?s:.)(?:[^ ]|(?<=[\t-\r\x1c- ]) |(?<=\xc2[\x85\xa0]) |"
    rb"(?<=\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80) )*"
)


@final
@dataclass(frozen=True, slots=True)
class Split:
    """Parts of texts as tokens: their ids, the byte of the normalised texts at which
    each ends, and how many are in each part.
    """

    ids_T: WordIds
    stops_T: Ints
    counts_S: Ints


class Table(Protocol):
    """Byte strings that are numbered from 0 on; see
    :class:`~nonplus.kernels.native.words.NativeWords`.
    """

    def __len__(self) -> int: ...

    @property
    def size(self) -> int: ...  # noqa: D102

    def joined(self, first: int = 0) -> tuple[bytes, Ints]: ...  # noqa: D102

    def read(self, first: int = 0) -> list[bytes]: ...  # noqa: D102

    def extend(self, words: list[bytes]) -> None: ...  # noqa: D102

    def numbers(self, words: list[bytes]) -> WordIds: ...  # noqa: D102

    def intern(self, words: list[bytes]) -> WordIds: ...  # noqa: D102

    def find(self, data_N: Bytes, begin_S: Ints, stop_S: Ints) -> tuple[WordIds, Ints, Ints]: ...  # noqa: D102

    def learn(  # noqa: D102
        self, data_N: Bytes, begin_S: Ints, stop_S: Ints, *, most: int = ANY
    ) -> tuple[WordIds, Ints, Ints]: ...

    def learn_led(  # noqa: D102
        self, data_N: Bytes, begin_S: Ints, stop_S: Ints, *, most: int = ANY
    ) -> tuple[WordIds, Ints, Ints]: ...


class Vocabulary(Protocol):
    """Words and their ids."""

    @property
    def words(self) -> Sequence[str]:
        """The text of each word id; the first three are those of ``SPECIAL_WORDS``."""
        ...

    def ids(self, words: list[bytes]) -> WordIds:
        """The ids of words, whatever they hold, shape (W,)."""
        ...


@final
class Words:
    """The words of a model, which do not change."""

    def __init__(self, words: Sequence[str]) -> None:
        """``words`` are those of the model's ids, the special ones first.

        Of a word with several ids the first counts.
        """
        self.words = words
        self._table = table()
        self._table.extend([word.encode(errors="surrogateescape") for word in words[_FIRST:]])

    files: Mapping[str, bytes] = MappingProxyType({})

    def as_dict(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"kind": "words"}

    def ids(self, words: list[bytes]) -> WordIds:
        """The ids of words, shape (W,), those of unknown ones 0."""
        return _known(self._table.numbers(words))

    def split(self, data_N: Bytes, begin_S: Ints, stop_S: Ints) -> Split:
        """The words of parts of normalised texts; parts rise and do not overlap."""
        number_T, end_T, count_S = self._table.find(data_N, begin_S, stop_S)
        return Split(_known(number_T), end_T, count_S)

    def decode(self, ids: Sequence[int]) -> str:
        """Words with a blank between them."""
        return " ".join(self.words[i] for i in ids)


@final
class NewWords:
    """A vocabulary that grows: words have ids in the order in which they appear."""

    def __init__(self) -> None:
        """An empty one."""
        self._table = table()
        self._table.extend(_NEVER_KNOWN)

    def __len__(self) -> int:
        """How many ids there are, those of the special words included."""
        return _FIRST + len(self._table) - len(_NEVER_KNOWN)

    @property
    def words(self) -> list[str]:
        """The text of each word id; the first three are those of ``SPECIAL_WORDS``."""
        return [*SPECIAL_WORDS, *(word.decode() for word in self._table.read(len(_NEVER_KNOWN)))]

    files: Mapping[str, bytes] = MappingProxyType({})

    def as_dict(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"kind": "words"}

    def ids(self, words: list[bytes]) -> WordIds:
        """The ids of words, shape (W,); new ones get the next ids.

        Raises:
            MemoryError: there is no room for more words.
        """
        return _learned(self._table.intern(words))

    def split(self, data_N: Bytes, begin_S: Ints, stop_S: Ints) -> Split:
        """The words of parts of normalised texts, none of them unknown that does
        not spell a special one.

        Raises:
            MemoryError: there is no room for more words.
        """
        number_T, end_T, count_S = self._table.learn(data_N, begin_S, stop_S)
        return Split(_learned(number_T), end_T, count_S)

    def decode(self, ids: Sequence[int]) -> str:
        """Words with a blank between them."""
        words = self.words
        return " ".join(words[i] for i in ids)


def _known(number_T: WordIds) -> WordIds:
    return np.where(number_T == ABSENT, np.int32(UNKNOWN), number_T + np.int32(_FIRST))


def _learned(number_T: WordIds) -> WordIds:
    first = len(_NEVER_KNOWN)
    return np.where(number_T < first, np.int32(UNKNOWN), number_T + np.int32(_FIRST - first))


def table() -> Table:
    """An empty table, in C where that is there."""
    return PlainTable() if functions() is None else NativeWords()


@final
class PlainTable:
    """The table of ``words.c`` in Python."""

    def __init__(self) -> None:
        self._words: list[bytes] = []
        self._number: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._words)

    @property
    def size(self) -> int:
        """The bytes of all strings."""
        return sum(map(len, self._words))

    def joined(self, first: int = 0) -> tuple[bytes, Ints]:
        """The strings from number ``first`` on, end to end, and where each ends."""
        words = self._words[first:]
        return b"".join(words), np.cumsum(np.array(list(map(len, words)), np.int64))

    def read(self, first: int = 0) -> list[bytes]:
        """The strings from number ``first`` on."""
        return self._words[first:]

    def extend(self, words: list[bytes]) -> None:
        """Give each of ``words`` the next number."""
        for word in words:
            self._number.setdefault(word, len(self._words))
            self._words.append(word)

    def numbers(self, words: list[bytes]) -> WordIds:
        """The number of each string."""
        return np.array([self._number.get(word, ABSENT) for word in words], np.int32)

    def intern(self, words: list[bytes]) -> WordIds:
        """The same, and a new string gets the next number."""
        self.extend([word for word in dict.fromkeys(words) if word not in self._number])
        return self.numbers(words)

    def find(self, data_N: Bytes, begin_S: Ints, stop_S: Ints) -> tuple[WordIds, Ints, Ints]:
        """The numbers of the words of parts, where each ends, and their counts."""
        found, end_T, count_S = _found(_WORD, data_N, begin_S, stop_S)
        return self.numbers(found), end_T, count_S

    def learn(self, data_N: Bytes, begin_S: Ints, stop_S: Ints, *, most: int = ANY) -> tuple[WordIds, Ints, Ints]:
        """The same, and a new word gets the next number; none has more than ``most``
        bytes.
        """
        found, end_T, count_S = _found(_WORD, data_N, begin_S, stop_S, most)
        return self.intern(found), end_T, count_S

    def learn_led(self, data_N: Bytes, begin_S: Ints, stop_S: Ints, *, most: int = ANY) -> tuple[WordIds, Ints, Ints]:
        """The same for words that have the blanks before them, of parts in UTF-8."""
        found, end_T, count_S = _found(_LED_WORD, data_N, begin_S, stop_S, most)
        return self.intern(found), end_T, count_S


def _found(
    word: re.Pattern[bytes], data_N: Bytes, begin_S: Ints, stop_S: Ints, most: int = ANY
) -> tuple[list[bytes], Ints, Ints]:
    data = data_N.tobytes()
    parts = zip(begin_S.tolist(), stop_S.tolist(), strict=True)
    ends = [
        [span for each in word.finditer(data, *part) for span in _short(data, *each.span(), most)] for part in parts
    ]
    spans = [span for part in ends for span in part]
    count_S = np.array([len(part) for part in ends], np.int64)
    return [data[begin:end] for begin, end in spans], np.array([end for _, end in spans], np.int64), count_S


def _short(data: bytes, begin: int, end: int, most: int) -> Iterator[tuple[int, int]]:
    """A word in parts of at most ``most`` bytes, between characters."""
    while end - begin > most:
        stop = begin + most
        stop -= next((n for n in range(3) if data[stop - n] & 0xC0 != 0x80), 3)
        yield begin, stop
        begin = stop
    yield begin, end
