"""Portions of a corpus, as a rule spells them: ``best 5e9 tokens``, ``sample(0.1)``."""

from typing import Any

from nonplus.closest import did_you_mean
from nonplus.filtering.rules.best import UNITS, Best
from nonplus.filtering.rules.chances import Even, Gaussian, Importance, Stepwise
from nonplus.filtering.rules.clauses import Clause
from nonplus.filtering.rules.sampling import Sampled
from nonplus.filtering.rules.text.comparisons import value
from nonplus.filtering.rules.text.pieces import grouping, number, whole_number
from nonplus.filtering.rules.text.words import Word, Words
from nonplus.filtering.rules.values import Figure

_BEST = "best 5e9 tokens by language"


def best(words: Words) -> Clause:
    """The best documents up to an amount."""
    words.read()
    place = words.next
    amount = whole_number(words, example=_BEST)
    if amount < 1:
        words.refuse(place, "and nothing fits into that", example=_BEST)
    unit = words.read()
    if unit.text not in UNITS:
        meant = did_you_mean(unit.text, UNITS)
        words.refuse(unit, f"where one of {', '.join(UNITS)} is due", example=_BEST, meant=meant)
    of = value(words) if words.passes("of") else Figure("bits_per_byte")
    return Best(amount, unit.text, of, grouping(words))


_SAMPLES = {
    "sample": ("sample(0.1, seed=1)", ("seed",)),
    "gaussian": ("gaussian(perplexity, factor=0.78, width=4.5) by language", ("factor", "width", "median", "seed")),
    "stepwise": ("stepwise(perplexity, factor=100) by language", ("factor", "quartiles", "seed")),
    "importance": ("importance(good - bad, factor=0.5, power=2)", ("factor", "power", "seed")),
}
SAMPLES = tuple(_SAMPLES)
_POSITIVE = ("factor", "width", "median", "quartiles")


def sampled(words: Words) -> Clause:
    """Documents that are drawn, evenly or by a figure."""
    kind = words.read()
    example, known = _SAMPLES[kind.text]
    words.need("(", example=example)
    of: Any = _share(words, example) if kind.text == "sample" else value(words)
    options: dict[str, Any] = {}
    while words.passes(","):
        name = words.read()
        if name.text not in known:
            meant = did_you_mean(name.text, known, after="=…")
            words.refuse(name, f"where one of {', '.join(known)} is due", example=example, meant=meant)
        words.need("=", example=example)
        options[name.text] = _option(words, name, example)
    words.need(")", example=example)
    seed = options.pop("seed", 0)
    match kind.text:
        case "sample":
            return Sampled(Even(of), seed)
        case "importance":
            return Sampled(Importance(of, **options), seed)
        case "gaussian":
            return Sampled(Gaussian(of, by=grouping(words), **options), seed)
    if "factor" not in options:
        words.refuse(kind, "without its factor, which is divided by the width of a quarter", example=example)
    return Sampled(Stepwise(of, by=grouping(words), **options), seed)


def _share(words: Words, example: str) -> float:
    place = words.next
    share = number(words, example=example)
    if not 0 <= share <= 1:
        words.refuse(place, "where a probability from 0 to 1 is due", example=example)
    return share


def _option(words: Words, name: Word, example: str) -> float | int | tuple[float, ...]:
    if name.text == "seed":
        return whole_number(words, example=example)
    place, read = words.next, _numbers(words, 3 if name.text == "quartiles" else 1, example)
    if name.text in _POSITIVE and not (read[0] > 0 and list(read) == sorted(read)):
        words.refuse(place, f"where {name.text} is above 0{' and rises' * (len(read) > 1)}", example=example)
    return read[0] if len(read) == 1 else read


def _numbers(words: Words, many: int, example: str) -> tuple[float, ...]:
    """One number, or several in parentheses."""
    if many == 1:
        return (number(words, example=example),)
    words.need("(", example=example)
    read = [number(words, example=example)]
    for _ in range(many - 1):
        words.need(",", example=example)
        read.append(number(words, example=example))
    words.need(")", example=example)
    return tuple(read)
