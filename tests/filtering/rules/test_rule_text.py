"""A text is a rule or is refused, whatever it is."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput, NonplusError
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.scored import ATTRIBUTES, FIGURES

OTHERS = """
and or not in by of from bucket head ccnet best sample gaussian stepwise importance
factor width median quartiles power seed length documents p60 P25.50 p0 good
bits_per_byte.bad <= < >= > == != = ( ) , - 1 20 1.9 5e9 1_000 .5 1e999 0 "en" 'de' "
"""
WORDS = st.sampled_from([*FIGURES, *ATTRIBUTES, *OTHERS.split()])
EVERY_FORM = [
    "bits_per_byte <= 1.9",
    "-1 < bits_per_byte <= p60",
    "p25 <= bits_per_byte.other <= p75 by language, length",
    'bits_per_byte <= p95 of "a.jsonl", "b c.jsonl" by language',
    "good - bad <= 0.1",
    "bits_per_byte - perplexity.other != 1e-7",
    'language == "en"',
    "source not in (web, 'a \"b\"')",
    "bucket in (head, middle)",
    "bucket != tail by language",
    "bucket == head from ccnet",
    "sample(0.1)",
    "not sample(0.1, seed=3)",
    "gaussian(perplexity, factor=0.5, width=2, seed=1) by language",
    "gaussian(perplexity, median=100)",
    "stepwise(perplexity, factor=3) by source",
    "stepwise(perplexity, factor=3, quartiles=(1, 2, 3))",
    "importance(good - bad, factor=0.5, power=-2)",
    "best 5e9 tokens",
    "best 5_000 documents of good - bad by source",
    "not best 3 bytes",
    "not (language == en or not best 3 bytes and sample(0.5))",
]


@given(st.lists(WORDS, max_size=12).map(" ".join) | st.text())
def test_a_text_is_a_rule_that_reads_back_or_is_refused(text):
    with suppress(NonplusError):
        rule = parsed(text)
        assert parsed(str(rule)) == rule


@pytest.mark.parametrize("text", EVERY_FORM)
def test_every_form_reads_back_from_what_it_prints(text):
    rule = parsed(text)
    assert parsed(str(rule)) == rule


@pytest.mark.parametrize("text", EVERY_FORM)
def test_a_rule_is_the_same_with_any_blanks_and_within_parentheses(text):
    assert parsed(f"\n ( {text.replace(',', ' , ').replace('(', '( ')}\t) ") == parsed(text)


@pytest.mark.parametrize("text", ["(" * 5000 + "tokens > 1" + ")" * 5000, "not " * 5000 + "tokens > 1"])
def test_a_rule_that_is_nested_too_deeply_is_refused(text):
    with pytest.raises(BadInput, match="inside of 50 others, where that is the most"):
        parsed(text)


def test_a_rule_may_have_many_clauses_side_by_side():
    rule = parsed(" or ".join(f"(language == l{each} and tokens > {each})" for each in range(5000)))
    assert len(rule.clauses[0].clauses) == 5000


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("bits_per_byte <= p60 by lenguage", "has lenguage at character 25, .*; did you mean language"),
        ("bits_per_byte <= 1.9 by language", "has by at character 22, but no quantile to be found in each group"),
        ("bits_per_byte <= p101", "has p101 at character 18, and quantiles are from p0 to p100"),
        ("bits_per_byte <= p95 of a.jsonl", "has a.jsonl at character 25, where the name of a file is due, in quotes"),
        ("p25 <= p75", "neither side of <= is a figure"),
        ("best tokens", "has tokens at character 6, where a whole number below 4e18 is due"),
        ("best 0.5 tokens", "where a whole number below 4e18 is due"),
        ("best 1e99 tokens", "where a whole number below 4e18 is due"),
        ("best 0 tokens", "has 0 at character 6, and nothing fits into that"),
        (
            "best 5e9 token",
            "has token at character 10, where one of tokens, bytes, documents is due; did you mean tokens",
        ),
        ("sample(2)", "has 2 at character 8, where a probability from 0 to 1 is due"),
        ("sample 0.1", r'where "\(" is due; write e\.g\. sample\(0\.1, seed=1\)'),
        ("sample(0.1, sed=1)", "has sed at character 13, where one of seed is due; did you mean seed"),
        ("sample(0.1, seed=1.5)", "where a whole number below 4e18 is due"),
        ("gaussian(perplexity, width=0)", "has 0 at character 28, where width is above 0"),
        ("stepwise(perplexity)", "has stepwise at character 1, without its factor"),
        ("stepwise(perplexity, factor=1, quartiles=(3, 2, 1))", "where quartiles is above 0 and rises"),
        ("stepwise(perplexity, factor=1, quartiles=(1, 2))", r'has \) at character 47, where "," is due'),
        ("tokens > 1e999", "has 1e999 at character 10, which is too large for a number"),
        ("tokens > 1 && tokens < 5", "has & at character 12, which begins no word of a rule"),
        ("tokens > 1 AND tokens < 5", "has AND at character 12, where the rule should end, or go on with and, or"),
        ("language = en", "has = at character 10, where language is followed by ==, !=, in, or not in"),
    ],
)
def test_a_mistake_is_met_with_its_place_and_what_is_due(rule, said):
    with pytest.raises(BadInput, match=said):
        parsed(rule)
