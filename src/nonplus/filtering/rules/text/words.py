"""The text of a rule as words, each with its place."""

import re
from dataclasses import dataclass
from typing import NoReturn, final

from nonplus.errors import BadInput

_WORD = re.compile(
    r"""
    (?P<number> (?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]) )
  | (?P<quantile> [pP]\d+(?:\.\d+)?(?![\w.]) )
  | (?P<name> [^\W\d]\w*(?:\.[^\W\d]\w*)* )
  | (?P<text> "[^"]*"|'[^']*' )
  | (?P<sign> <=|>=|==|!=|[<>=(),-] )
    """,
    re.VERBOSE,
)
_BLANK = re.compile(r"\s*")
EXAMPLE = "bits_per_byte <= 1.9 and tokens >= 20"


@final
@dataclass(frozen=True, slots=True)
class Word:
    """A word of a rule: its kind, its text, and the number of its first character."""

    kind: str
    text: str
    place: int


class Words:
    """A rule that is read word by word, from left to right.

    Raises:
        BadInput: a character begins no word.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._ahead = self._cut()
        self._next = 0

    def _cut(self) -> list[Word]:
        words, place = [], _end(_BLANK, self._text, 0)
        while place < len(self._text):
            found = _WORD.match(self._text, place)
            if found is None or found.lastgroup is None:
                self._refuse_character(place)
            words.append(Word(found.lastgroup, found.group(), place + 1))
            place = _end(_BLANK, self._text, found.end())
        return [*words, Word("end", "", len(self._text) + 1)]

    @property
    def next(self) -> Word:
        """The word that is read next; of the kind ``end`` after the last."""
        return self._ahead[self._next]

    def read(self) -> Word:
        """That word, and go on after it."""
        self._next += 1
        return self._ahead[self._next - 1]

    def meets(self, *texts: str) -> bool:
        """Whether these come next."""
        ahead = self._ahead[self._next : self._next + len(texts)]
        return [(each.kind != "text", each.text) for each in ahead] == [(True, text) for text in texts]

    def passes(self, *texts: str) -> bool:
        """Go on after these, if they come next."""
        met = self.meets(*texts)
        self._next += len(texts) * met
        return met

    def need(self, text: str, *, example: str) -> None:
        """Go on after this, which must come next."""
        if not self.passes(text):
            self.refuse(self.next, f'where "{text}" is due', example=example)

    def refuse(self, word: Word, why: str, *, example: str = EXAMPLE, meant: str = "") -> NoReturn:
        """Say that this word cannot stand at its place, and what was ``meant`` or may
        be written instead.

        Raises:
            BadInput: always.
        """
        met = f"has {word.text} at character {word.place}," if word.kind != "end" else "ends"
        raise BadInput(f"the rule {self._text.strip()!r} {met} {why}{meant or f'; write e.g. {example}'}")

    def _refuse_character(self, place: int) -> NoReturn:
        character = self._text[place]
        why = "which is never closed" if character in "\"'" else "which begins no word of a rule"
        number = re.compile(r"[\w.]+").match(self._text, place)
        shown = number.group() if number else character
        self.refuse(Word("", shown, place + 1), why)


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place
