"""The words of an ARPA file and their ids, as its unigrams list them.

Letters in shapes: N bytes, M n-grams, k words of each.
"""

from functools import cached_property
from typing import Protocol, final

import numpy as np

from nonplus.kernels.native.arpa import Bytes, PlainLines
from nonplus.kernels.native.words import ABSENT, NativeWords
from nonplus.models.ngram.arpa.lines import Lines, shown
from nonplus.models.ngram.ngrams import SPECIAL_WORDS, UNKNOWN, WordIds

_SPECIAL_IDS = {word.encode(): i for i, word in enumerate(SPECIAL_WORDS)} | {b"<UNK>": UNKNOWN}  # as SRILM's users do


class WordLookup(Protocol):
    """The ids of words in the n-grams of one order."""

    def id_of(self, word: bytes) -> int:
        """The id of one word.

        Raises:
            BadModel: the word may not stand there.
        """
        ...

    def ids_of(self, text_N: Bytes, lines: PlainLines, order: int) -> WordIds:
        """The ids (M, k) of the words of lines, up to a line that ``id_of`` refuses.

        The lines were read by the C kernel.
        """
        ...


@final
class UnigramWords:
    """The words of unigrams: after the special ones, each in the order of the file."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._special: set[int] = set()
        self.ids = dict(_SPECIAL_IDS)
        self.texts = list(SPECIAL_WORDS)

    def id_of(self, word: bytes) -> int:
        """The id of one more word.

        Raises:
            BadModel: the word is there already, or not text in UTF-8.
        """
        try:
            return self._added(word)
        except UnicodeDecodeError:
            self._lines.refuse(f"the word {shown(word)} is not UTF-8; convert the file, say by iconv -t UTF-8")
        except KeyError:
            self._lines.refuse(f"the word {shown(word)} is here a second time, and a word has one unigram; remove one")

    def ids_of(self, text_N: Bytes, lines: PlainLines, order: int) -> WordIds:
        """The ids (M, 1) of more words."""
        text, ids = text_N.tobytes(), []
        for begin, stop in zip(lines.begins_M.tolist(), lines.stops_M.tolist(), strict=True):
            try:
                ids.append(self._added(text[begin:stop]))
            except (UnicodeDecodeError, KeyError):
                break
        return np.array(ids, np.int32).reshape(-1, order)

    def lists(self, special: int) -> bool:
        """Whether a unigram lists that special word."""
        return special in self._special

    def _added(self, word: bytes) -> int:
        text = word.decode()
        i = self.ids.setdefault(word, len(self.texts))
        if i == len(self.texts):
            self.texts.append(text)
        elif i < len(SPECIAL_WORDS) and i not in self._special:
            self._special.add(i)
        else:
            raise KeyError(word)
        return i


@final
class KnownWords:
    """The words of longer n-grams: only those of unigrams."""

    def __init__(self, lines: Lines, ids: dict[bytes, int]) -> None:
        self._lines = lines
        self._ids = ids

    def id_of(self, word: bytes) -> int:
        """The id of a word.

        Raises:
            BadModel: no unigram lists it.
        """
        try:
            return self._ids[word]
        except KeyError:
            self._lines.refuse(f"the word {shown(word)} has no unigram, and every word needs one; make the file again")

    def ids_of(self, text_N: Bytes, lines: PlainLines, order: int) -> WordIds:
        """The ids (M, k) of words."""
        number_T, _, count_M = self._table.find(text_N, lines.begins_M, lines.stops_M)
        # More than ``order`` are found where a word holds what is a blank elsewhere.
        odd = np.flatnonzero(count_M != order)
        whole = number_T[: odd[0] * order if len(odd) else None].reshape(-1, order)
        unlisted = np.flatnonzero((whole == ABSENT).any(axis=1))
        return self._numbers[whole[: unlisted[0] if len(unlisted) else None]]

    @cached_property
    def _table(self) -> NativeWords:
        table = NativeWords()
        table.extend(list(self._ids))
        return table

    @cached_property
    def _numbers(self) -> WordIds:
        return np.array(list(self._ids.values()), np.int32)
