"""What cc_net does to a text, and what other tools have made of it.

All replace digits by 0 and typographic punctuation by ASCII, and delete control
characters, newlines among them: nothing is put in their place, so the last word of a
line is glued to the first of the next.

* ``ccnet`` (facebookresearch/cc_net, ``text_normalizer.normalize`` as ``mine.py`` calls
  it) also makes capitals small and drops accents.
* ``edugp`` (huggingface.co/edugp/kenlm, the same in DCLM) keeps both.
* ``datatrove`` (0.10, ``KenlmModel.normalize``) is as ``ccnet``, but makes a whole
  number one 0, and trims a text only after its accents are dropped.

Characters that Python's ``unicodedata`` does not know stay as they are.
"""

import unicodedata
from functools import lru_cache

from nonplus.models.ngram.normalizers.substitution import Span, Substitution

_PUNCTUATION = {
    "\uff0c": ",", "\u3002": ".", "\u3001": ",", "\u201e": '"', "\u201d": '"', "\u201c": '"', "\xab": '"',
    "\xbb": '"', "\u300d": '"', "\u300c": '"', "\u300a": '"', "\u300b": '"', "\xb4": "'", "\u2236": ":",
    "\uff1a": ":", "\uff1f": "?", "\uff01": "!", "\uff08": "(", "\uff09": ")", "\uff1b": ";", "\u2013": "-",
    "\u2014": " - ", "\uff0e": ". ", "\uff5e": "~", "\u2019": "'", "\u2026": "...", "\u2501": "-", "\u3008": "<",
    "\u3009": ">", "\u3010": "[", "\u3011": "]", "\uff05": "%", "\u25ba": "-",
}  # fmt: skip


_KEPT = 1 << 16  # runs of which the result is kept


class _Characters(dict[int, str]):
    """What becomes of a character outside ASCII."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        if character.isdecimal():
            self[point] = "0"
        else:
            self[point] = "" if 0x80 <= point < 0xA0 else _PUNCTUATION.get(character, character)
        return self[point]


class _WithoutMarks(_Characters):
    """The same, and marks are dropped."""

    def __missing__(self, point: int) -> str:
        if unicodedata.category(chr(point)) != "Mn":
            return super().__missing__(point)
        self[point] = ""
        return ""


_CHARACTERS, _WITHOUT_MARKS = _Characters(), _WithoutMarks()


@lru_cache(_KEPT)
def _with_accents(run: str) -> str:
    return run.translate(_CHARACTERS)


@lru_cache(_KEPT)
def _without_accents(run: str) -> str:
    return unicodedata.normalize("NFD", run).translate(_WITHOUT_MARKS)


def _stripped(text: str) -> Span:
    stop = len(text.rstrip())
    return min(stop, len(text) - len(text.lstrip())), stop


def _stripped_without_marks(text: str) -> Span:
    begin, stop = 0, len(text)
    while begin < stop and _leaves_nothing(text[begin]):
        begin += 1
    while begin < stop and _leaves_nothing(text[stop - 1]):
        stop -= 1
    return begin, stop


def _leaves_nothing(character: str) -> bool:
    marks = unicodedata.normalize("NFD", character)
    return character.isspace() or all(unicodedata.category(mark) == "Mn" for mark in marks)


CCNET = Substitution(inner=_stripped, lowered=str.lower, whole_numbers=False, of_run=_without_accents)
EDUGP = Substitution(inner=_stripped, lowered=str, whole_numbers=False, of_run=_with_accents)
DATATROVE = Substitution(inner=_stripped_without_marks, lowered=str.lower, whole_numbers=True, of_run=_without_accents)
