"""A rule read from its text."""

from nonplus.errors import BadProtocol
from nonplus.filtering.rules.best import Best
from nonplus.filtering.rules.clauses import Clause
from nonplus.filtering.rules.cutoffs import table_name
from nonplus.filtering.rules.joined import Either, Every, either, every
from nonplus.filtering.rules.needs import Known
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.rules.scored import ATTRIBUTES
from nonplus.filtering.rules.tables import table
from nonplus.filtering.rules.text.comparisons import comparison
from nonplus.filtering.rules.text.memberships import attribute, bucket
from nonplus.filtering.rules.text.portions import SAMPLES, best, sampled
from nonplus.filtering.rules.text.words import Words

_DEEPEST = 50  # parentheses and nots inside of each other


def parsed(text: str, known: Known | None = None) -> Rule:
    """The rule that a text states, such as ``bits_per_byte <= 1.9 and tokens >= 20``.

    ``known`` has thresholds that were found earlier. Tables of cutoffs that the rule
    names and that are not among them are read.

    Raises:
        BadInput: it states no rule; the message names the place and shows an example.
        BadProtocol: it has buckets of two kinds.
    """
    words = Words(text)
    whole = _counting(_either(words))
    if words.next.kind != "end":
        words.refuse(words.next, "where the rule should end, or go on with and, or")
    rule = Rule(whole.clauses if isinstance(whole, Every) else (whole,), known or {})
    if len(rule.cuts) > 1:
        one, other = sorted(str(each) for each in rule.cuts)[:2]
        raise BadProtocol(
            f"the rule has buckets of two kinds, {one} and {other}, where a record has one bucket; use one of them"
        )
    tables = {table_name(source): source for source in rule.tables}
    read = {name: table(source) for name, source in tables.items() if name not in rule.known}
    return Rule(rule.clauses, {**rule.known, **read})


def _either(words: Words, depth: int = 0) -> Clause:
    parts = [_every(words, depth)]
    while words.passes("or"):
        parts.append(_every(words, depth))
    return either(parts)


def _every(words: Words, depth: int) -> Clause:
    parts = [_one(words, depth)]
    while words.passes("and"):
        parts.append(_one(words, depth))
    return every(parts)


def _one(words: Words, depth: int) -> Clause:
    if depth == _DEEPEST:
        words.refuse(words.next, f"inside of {_DEEPEST} others, where that is the most", example="tokens >= 20")
    if words.passes("not"):
        return _one(words, depth + 1).opposite()
    if words.passes("("):
        inner = _either(words, depth + 1)
        words.need(")", example="(tokens >= 20 or bytes >= 100)")
        return inner
    if words.next.kind != "name":
        return comparison(words)
    match words.next.text:
        case name if name in ATTRIBUTES:
            return attribute(words)
        case "bucket":
            return bucket(words)
        case "best":
            return best(words)
        case name if name in SAMPLES:
            return sampled(words)
    return comparison(words)


def _counting(clause: Clause) -> Clause:
    """The same, with each amount counting only what the clauses beside it leave."""
    match clause:
        case Either(clauses):
            return Either(tuple(map(_counting, clauses)))
        case Every(clauses):
            parts = tuple(map(_counting, clauses))
            beside = tuple(each for each in parts if not isinstance(each, Best))
            return Every(tuple(each.counting(beside) if isinstance(each, Best) else each for each in parts))
    return clause
