"""And, or, not: what does not exist makes a comparison neither true nor false."""

import math
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import One, documents, kept, scored

from nonplus.filtering.rules.draws import draws
from nonplus.filtering.rules.parsing import parsed

# A rule as a tree: its text, and how it is evaluated for one document, by the logic of
# Kleene: True, False, or None where there is nothing to judge by.
OPERATORS = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}
FIGURES = {
    "bits_per_byte": lambda one: one.bits if one.tokens else math.nan,
    "bits_per_byte.other": lambda one: one.other,
    "tokens": lambda one: one.tokens,
}


def compared(sign, left, right):
    return None if math.isnan(left) or math.isnan(right) else OPERATORS[sign](left, right)


def figure_and_number(name, sign, bound, mirrored):
    text = f"{bound} {sign} {name}" if mirrored else f"{name} {sign} {bound}"
    sides = (lambda one: (bound, FIGURES[name](one))) if mirrored else (lambda one: (FIGURES[name](one), bound))
    return text, lambda one: compared(sign, *sides(one))


def chain(name, low, sign, other, high):
    return f"{low} {sign} {name} {other} {high}", lambda one: both(
        compared(sign, low, FIGURES[name](one)), compared(other, FIGURES[name](one), high)
    )


def two_figures(sign):
    return f"bits_per_byte {sign} bits_per_byte.other", lambda one: compared(
        sign, FIGURES["bits_per_byte"](one), one.other
    )


def difference(sign, bound):
    return f"bits_per_byte - bits_per_byte.other {sign} {bound}", lambda one: compared(
        sign, FIGURES["bits_per_byte"](one) - one.other, bound
    )


def word(none):
    sign = "!=" if none else "=="
    return f'language {sign} "en"', lambda one: one.language and (one.language == "en") != none


def words(none):
    sign = "not in" if none else "in"
    return f'language {sign} (en, "fr")', lambda one: one.language and (one.language in ("en", "fr")) != none


def sample(share):
    return f"sample({share})", lambda one: bool(draws([one.key])[0] < share)


def both(one, other):
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def opposite(one):
    return None if one is None else not one


def every(parts):
    def evaluated(one):
        found = True
        for _, of in parts:
            found = both(found, of(one))
        return found

    return "(" + " and ".join(text for text, _ in parts) + ")", evaluated


def either(parts):
    def evaluated(one):
        found = True
        for _, of in parts:
            found = both(found, opposite(of(one)))
        return opposite(found)

    return "(" + " or ".join(text for text, _ in parts) + ")", evaluated


def negated(part):
    text, of = part
    return f"not {text}", lambda one: opposite(of(one))


NUMBERS = st.sampled_from([-1, 0, 0.5, 1, 1.5, 5, 20])
SIGNS = st.sampled_from(sorted(OPERATORS))
LEAVES = st.one_of(
    st.builds(figure_and_number, st.sampled_from(sorted(FIGURES)), SIGNS, NUMBERS, st.booleans()),
    st.builds(chain, st.sampled_from(sorted(FIGURES)), NUMBERS, SIGNS, SIGNS, NUMBERS),
    st.builds(two_figures, SIGNS),
    st.builds(difference, SIGNS, NUMBERS),
    st.builds(word, st.booleans()),
    st.builds(words, st.booleans()),
    st.builds(sample, st.sampled_from([0, 0.3, 0.7, 1])),
)
RULES = st.recursive(
    LEAVES,
    lambda rules: st.one_of(
        st.lists(rules, min_size=2, max_size=3).map(every),
        st.lists(rules, min_size=2, max_size=3).map(either),
        rules.map(negated),
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("sign", sorted(OPERATORS))
@pytest.mark.parametrize("pattern", ["{}", "not {}"])
@pytest.mark.parametrize("bound", ["1", "bits_per_byte.other"])
def test_each_comparison_and_its_opposite_hold_below_at_and_above_the_bound_and_never_without_a_figure(
    sign, pattern, bound
):
    nan = math.nan
    ones = [One(bits, other, 1, None, b"") for bits, other in [(0, 1), (1, 1), (2, 1), (nan, 1), (0, nan), (nan, nan)]]
    against = [1.0 if bound == "1" else one.other for one in ones]
    held = [compared(sign, one.bits, own) for one, own in zip(ones, against, strict=True)]
    expected = [opposite(each) if pattern != "{}" else each for each in held]
    keep = parsed(pattern.format(f"bits_per_byte {sign} {bound}")).decide(scored(ones)).keep
    assert keep.tolist() == [each is True for each in expected]


@given(RULES, documents())
def test_a_rule_keeps_what_is_true_in_three_valued_logic(rule, ones):
    text, evaluated = rule
    assert kept(parsed(text), ones) == [one for one in ones if one.tokens and evaluated(one) is True]


@given(RULES, documents(min_size=1))
def test_each_dropped_document_has_a_reason_and_each_kept_one_has_none(rule, ones):
    decision = parsed(rule[0]).decide(scored(ones))
    causes = [decision.causes[each] for each in decision.cause]
    assert [not each for each in decision.reasons()] == decision.keep.tolist()
    assert [not each for each in causes] == decision.keep.tolist()


@given(RULES)
def test_a_rule_reads_back_from_what_it_prints(rule):
    once = parsed(rule[0])
    assert parsed(str(once)) == once


@given(documents(), st.floats(-1, 25), st.floats(-1, 25))
def test_a_larger_threshold_keeps_what_a_smaller_one_keeps(ones, one, other):
    low, high = sorted([one, other])
    assert set(kept(parsed(f"bits_per_byte <= {low:.6f}"), ones)) <= set(
        kept(parsed(f"bits_per_byte <= {high:.6f}"), ones)
    )
