"""What a document is one of, as a rule spells it: ``language in ("en", "de")``."""

from nonplus.closest import did_you_mean
from nonplus.filtering.rules.attributes import OneOf
from nonplus.filtering.rules.buckets import BUCKETS, Cuts, InBucket
from nonplus.filtering.rules.clauses import Clause
from nonplus.filtering.rules.tables import CCNET
from nonplus.filtering.rules.text.pieces import any_word, grouping, word_list
from nonplus.filtering.rules.text.words import Words


def attribute(words: Words) -> Clause:
    """An attribute of the record that is one of some words, or none of them."""
    name = words.read().text
    none, found = _among(words, name, example=f'{name} in ("en", "de")')
    return OneOf(name, found, none)


def bucket(words: Words) -> Clause:
    """A bucket that is one of some buckets, and where its cutoffs are from."""
    name, example = words.read(), "bucket in (head, middle)"
    none, found = _among(words, name.text, example=example)
    for unknown in found:
        if unknown not in BUCKETS:
            why = f"and is held against {unknown}, which is none of {', '.join(BUCKETS)}"
            words.refuse(name, why, example=example, meant=did_you_mean(unknown, BUCKETS))
    if not words.passes("from"):
        return InBucket(found, Cuts.own(grouping(words)), none)
    word = words.read()
    if word.text != CCNET and word.kind != "text":
        words.refuse(word, f"where {CCNET} or the name of a file is due", example=f'{example} from "cutoff.csv"')
    return InBucket(found, Cuts.of_table(word.text.strip("\"'")), none)


def _among(words: Words, name: str, *, example: str) -> tuple[bool, tuple[str, ...]]:
    """Whether it is none of the words, and the words."""
    if words.passes("in"):
        return False, word_list(words, of=name, example=example)
    if words.passes("not", "in"):
        return True, word_list(words, of=name, example=example)
    sign = words.read()
    if sign.text not in ("==", "!="):
        words.refuse(sign, f"where {name} is followed by ==, !=, in, or not in", example=example)
    return sign.text == "!=", (any_word(words, of=name, example=example),)
