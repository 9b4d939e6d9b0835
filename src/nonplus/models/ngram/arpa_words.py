"""The words of an ARPA file and their ids, as its unigrams list them."""

from typing import final

from nonplus.models.ngram.arpa_lines import Lines, shown
from nonplus.models.ngram.ngrams import SPECIAL_WORDS, UNKNOWN

_SPECIAL_IDS = {word.encode(): i for i, word in enumerate(SPECIAL_WORDS)} | {b"<UNK>": UNKNOWN}  # as SRILM's users do


@final
class ArpaWords:
    """Words get their ids in the order of the file, after the three special ones."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._ids = dict(_SPECIAL_IDS)
        self._special: set[int] = set()  # that a unigram lists
        self.texts = list(SPECIAL_WORDS)

    def add(self, word: bytes) -> int:
        """The id of the word of a unigram.

        Raises:
            BadModel: the word is there already, or not text in UTF-8.
        """
        try:
            text = word.decode()
        except UnicodeDecodeError:
            self._lines.refuse(
                f"the word {shown(word)} is not UTF-8; convert the file, for example with iconv -t UTF-8"
            )
        i = self._ids.setdefault(word, len(self.texts))
        if i == len(self.texts):
            self.texts.append(text)
        elif i < len(SPECIAL_WORDS) and i not in self._special:
            self._special.add(i)
        else:
            self._lines.refuse(f"the word {shown(word)} is here a second time, and a word has one unigram; remove one")
        return i

    def find(self, word: bytes) -> int:
        """The id of a word of a longer n-gram.

        Raises:
            BadModel: no unigram lists it.
        """
        try:
            return self._ids[word]
        except KeyError:
            self._lines.refuse(f"the word {shown(word)} has no unigram, and every word needs one; make the file again")

    def lists(self, special: int) -> bool:
        """Whether a unigram lists that special word."""
        return special in self._special
