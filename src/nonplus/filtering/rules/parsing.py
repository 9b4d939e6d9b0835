"""A rule read from its text."""

from nonplus.closest import did_you_mean
from nonplus.filtering.rules.attributes import OneOf
from nonplus.filtering.rules.clauses import Clause
from nonplus.filtering.rules.comparing import MIRRORED, OPERATORS, Comparison
from nonplus.filtering.rules.joined import Every, either, every
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.rules.scored import ATTRIBUTES, FIGURES
from nonplus.filtering.rules.values import Difference, Figure, Number, Side
from nonplus.filtering.rules.words import Word, Words

KNOWN = (*FIGURES, *ATTRIBUTES)


def parsed(text: str) -> Rule:
    """The rule that a text states, such as ``bits_per_byte <= 1.9 and tokens >= 20``.

    Raises:
        BadInput: it states none; the message names the place and shows an example.
    """
    words = Words(text)
    whole = _either(words)
    if words.next.kind != "end":
        words.refuse(words.next, "where the rule should end, or go on with and, or")
    return Rule(whole.clauses if isinstance(whole, Every) else (whole,))


def _either(words: Words) -> Clause:
    parts = [_every(words)]
    while words.passes("or"):
        parts.append(_every(words))
    return either(parts)


def _every(words: Words) -> Clause:
    parts = [_one(words)]
    while words.passes("and"):
        parts.append(_one(words))
    return every(parts)


def _one(words: Words) -> Clause:
    if words.passes("not"):
        return _one(words).opposite()
    if words.passes("("):
        inner = _either(words)
        words.need(")", example="(tokens >= 20 or bytes >= 100)")
        return inner
    if words.next.text in ATTRIBUTES and words.next.kind == "name":
        return _attribute(words)
    return _comparison(words)


# ------------------------------------------------------------------------- attributes


def _attribute(words: Words) -> Clause:
    name = words.read().text
    if words.passes("in"):
        return OneOf(name, _list(words, name))
    if words.passes("not", "in"):
        return OneOf(name, _list(words, name), none=True)
    if words.meets("==") or words.meets("!="):
        none = words.read().text == "!="
        return OneOf(name, (_text(words, name),), none)
    words.refuse(words.next, f"where {name} is followed by ==, !=, in, or not in", example=f'{name} == "en"')


def _list(words: Words, name: str) -> tuple[str, ...]:
    example = f'{name} in ("en", "de")'
    words.need("(", example=example)
    found = [_text(words, name)]
    while words.passes(","):
        found.append(_text(words, name))
    words.need(")", example=example)
    return tuple(dict.fromkeys(found))


def _text(words: Words, name: str) -> str:
    if words.next.kind == "text":
        return words.read().text[1:-1]
    if words.next.kind == "name":
        return words.read().text
    words.refuse(words.next, f"where a text is due for {name}", example=f'{name} == "en"')


# ------------------------------------------------------------------------ comparisons


def _comparison(words: Words) -> Clause:
    """Two or more sides, as in ``1.2 <= bits_per_byte <= 1.9``."""
    first = words.next
    sides, signs = [_side(words)], []
    while words.next.text in OPERATORS and words.next.kind == "sign":
        signs.append(words.read().text)
        sides.append(_side(words))
    if not signs:
        words.refuse(words.next, f"where {first.text} is followed by <=, <, >=, >, == or !=", example=_example(first))
    return every(
        _compared(words, first, left, sign, right)
        for left, sign, right in zip(sides[:-1], signs, sides[1:], strict=True)
    )


def _compared(words: Words, first: Word, left: Side, sign: str, right: Side) -> Clause:
    if not (left.judged or right.judged):
        words.refuse(first, f"and neither side of {sign} is a figure of the document")
    return Comparison(left, sign, right) if left.judged else Comparison(right, MIRRORED[sign], left)


def _side(words: Words) -> Side:
    below = words.passes("-")
    if words.next.kind == "number":
        return Number(_number(words.read()) * (-1 if below else 1))
    if below or words.next.kind != "name":
        words.refuse(words.next, "where a figure or a number is due")
    word = words.read()
    if not words.passes("-"):
        return _figure(words, word)
    less = words.read()
    if less.kind != "name":
        words.refuse(less, "where a figure or the name of a model is due", example="good - bad <= 0.1")
    return Difference(_figure_or_model(words, word), _figure_or_model(words, less))


def _number(word: Word) -> float:
    return float(word.text)


def _figure(words: Words, word: Word) -> Figure:
    base, _, model = word.text.partition(".")
    if base not in FIGURES:
        meant = did_you_mean(base, KNOWN, after=f".{model}" if model else "")
        words.refuse(word, f"which is none of {', '.join(KNOWN)}", example=_example(word), meant=meant)
    return Figure(word.text)


def _figure_or_model(words: Words, word: Word) -> Figure:
    """A bare name that is no figure is a model, and means its bits per byte."""
    bare = word.text not in FIGURES and "." not in word.text
    return Figure(f"bits_per_byte.{word.text}") if bare else _figure(words, word)


def _example(word: Word) -> str:
    return f"{word.text} <= 1.9" if word.text in FIGURES else "bits_per_byte <= 1.9"
