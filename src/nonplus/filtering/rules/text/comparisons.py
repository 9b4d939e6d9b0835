"""Comparisons of figures, as a rule spells them: ``1.2 <= bits_per_byte <= p60``."""

from dataclasses import dataclass
from itertools import pairwise
from typing import final

from nonplus.closest import did_you_mean
from nonplus.filtering.rules.clauses import Clause
from nonplus.filtering.rules.comparing import MIRRORED, OPERATORS, Comparison
from nonplus.filtering.rules.groups import By
from nonplus.filtering.rules.joined import every
from nonplus.filtering.rules.quantiles import Quantile
from nonplus.filtering.rules.scored import ATTRIBUTES, FIGURES
from nonplus.filtering.rules.text.pieces import grouping, number, text_list
from nonplus.filtering.rules.text.words import Word, Words
from nonplus.filtering.rules.values import Difference, Figure, Number, Side

OTHER_WORDS = (*ATTRIBUTES, "bucket", "best", "sample", "gaussian", "stepwise", "importance")
_QUANTILE = "bits_per_byte <= p60 by language"


@final
@dataclass(frozen=True, slots=True)
class _Percent:
    """A quantile that does not yet know of which figure."""

    word: Word
    percent: str
    files: tuple[str, ...]


def comparison(words: Words) -> Clause:
    """A figure between one or more bounds."""
    first = words.next
    sides, signs = [_side(words)], []
    while words.next.text in OPERATORS and words.next.kind == "sign":
        signs.append(words.read().text)
        sides.append(_side(words))
    if not signs:
        words.refuse(words.next, f"where {first.text} is followed by <=, <, >=, >, == or !=", example=_example(first))
    grouped = any(isinstance(each, _Percent) for each in sides)
    if not grouped and words.meets("by"):
        words.refuse(words.next, "but no quantile to be found in each group", example=_QUANTILE)
    by = grouping(words)
    pairs = zip(pairwise(sides), signs, strict=True)
    return every(_compared(words, first, left, sign, right, by) for (left, right), sign in pairs)


def _compared(words: Words, first: Word, left: Side | _Percent, sign: str, right: Side | _Percent, by: By) -> Clause:
    met = sign
    if isinstance(left, _Percent) or not left.judged:
        left, sign, right = right, MIRRORED[sign], left
    if isinstance(left, _Percent) or not left.judged:
        words.refuse(first, f"and neither side of {met} is a figure of the document")
    if isinstance(right, _Percent):
        right = Quantile(left, right.percent, right.files, by)
    return Comparison(left, sign, right)


def _side(words: Words) -> Side | _Percent:
    if words.next.kind == "number" or words.meets("-"):
        return Number(number(words))
    if words.next.kind == "quantile":
        return _percent(words)
    return value(words)


def _percent(words: Words) -> _Percent:
    word = words.read()
    percent = word.text[1:]
    if float(percent) > 100:
        words.refuse(word, "and quantiles are from p0 to p100", example=_QUANTILE)
    files = text_list(words, example='bits_per_byte <= p95 of "trusted.jsonl"') if words.passes("of") else ()
    whole, point, part = percent.partition(".")
    return _Percent(word, str(int(whole)) + (point + part).rstrip("0").rstrip("."), files)


def value(words: Words) -> Side:
    """A figure of the document, or the difference of two."""
    word = words.read()
    if word.kind != "name":
        words.refuse(word, "where a figure or a number is due")
    if not words.passes("-"):
        return _figure(words, word)
    less = words.read()
    if less.kind != "name":
        words.refuse(less, "where a figure or the name of a model is due", example="good - bad <= 0.1")
    return Difference(_figure_or_model(words, word), _figure_or_model(words, less))


def _figure(words: Words, word: Word) -> Figure:
    base, _, model = word.text.partition(".")
    if base not in FIGURES:
        known = (*FIGURES, *OTHER_WORDS)
        meant = did_you_mean(base, known, after=f".{model}" if model else "")
        words.refuse(word, f"which is none of {', '.join(known)}", example=_example(word), meant=meant)
    return Figure(word.text)


def _figure_or_model(words: Words, word: Word) -> Figure:
    """A bare name that is no figure is a model, and means its bits per byte."""
    bare = word.text not in FIGURES and "." not in word.text
    return Figure(f"bits_per_byte.{word.text}") if bare else _figure(words, word)


def _example(word: Word) -> str:
    return f"{word.text} <= 1.9" if word.text in FIGURES else "bits_per_byte <= 1.9"
