"""Small pieces of a rule: numbers, lists, and by what documents are grouped."""

import math
from decimal import Decimal

from nonplus.closest import did_you_mean
from nonplus.filtering.rules.groups import GROUPINGS, By
from nonplus.filtering.rules.text.words import EXAMPLE, Words


def number(words: Words, *, example: str = EXAMPLE) -> float:
    """A number, which may be below 0."""
    sign = -1.0 if words.passes("-") else 1.0
    word = words.read()
    if word.kind != "number":
        words.refuse(word, "where a number is due", example=example)
    read = float(word.text)
    if math.isinf(read):
        words.refuse(word, "which is too large for a number", example=example)
    return sign * read


def whole_number(words: Words, *, example: str) -> int:
    """A whole number, such as 5e9 or 5_000_000_000."""
    word = words.read()
    exact = Decimal(word.text) if word.kind == "number" else Decimal("0.5")
    if exact > 1 << 62 or exact != exact.to_integral_value():
        words.refuse(word, "where a whole number below 4e18 is due", example=example)
    return int(exact)


def word_list(words: Words, *, of: str, example: str) -> tuple[str, ...]:
    """One or more words in parentheses, with or without quotes, each once."""
    words.need("(", example=example)
    found = [any_word(words, of=of, example=example)]
    while words.passes(","):
        found.append(any_word(words, of=of, example=example))
    words.need(")", example=example)
    return tuple(dict.fromkeys(found))


def any_word(words: Words, *, of: str, example: str) -> str:
    """A word with or without quotes."""
    word = words.read()
    if word.kind not in ("text", "name"):
        words.refuse(word, f"where a word is due for {of}", example=example)
    return word.text[1:-1] if word.kind == "text" else word.text


def text_list(words: Words, *, example: str) -> tuple[str, ...]:
    """One or more texts in quotes with commas between, each once."""
    found = [_quoted(words, example)]
    while words.passes(","):
        found.append(_quoted(words, example))
    return tuple(dict.fromkeys(found))


def _quoted(words: Words, example: str) -> str:
    word = words.read()
    if word.kind != "text":
        words.refuse(word, "where the name of a file is due, in quotes", example=example)
    return word.text[1:-1]


def grouping(words: Words) -> By:
    """``by`` and one or more groupings, or nothing."""
    if not words.passes("by"):
        return By()
    found = [_one_grouping(words)]
    while words.passes(","):
        found.append(_one_grouping(words))
    return By(tuple(dict.fromkeys(found)))


def _one_grouping(words: Words) -> str:
    word = words.read()
    if word.text not in GROUPINGS:
        words.refuse(
            word,
            f"where one of {', '.join(GROUPINGS)} is due",
            example="bits_per_byte <= p60 by language",
            meant=did_you_mean(word.text, GROUPINGS),
        )
    return word.text
