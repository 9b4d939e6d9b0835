"""A rule keeps the documents for which it is true, and says why it drops the others."""

import numpy as np
import pytest

from nonplus.errors import BadInput, BadProtocol
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.scored import Scored

FIVE = Scored(
    columns={
        "bits_per_byte": np.array([1.5, 2.3, np.nan, 1.9, 0.5]),
        "bits_per_byte.good": np.array([1.0, 2.0, 3.0, np.nan, 1.0]),
        "bits_per_byte.bad": np.array([1.2, 1.0, 3.0, 1.0, 0.5]),
        "tokens": np.array([30, 30, 0, 10, 100]),
    },
    attributes={"language": ["en", "de", "en", None, "fr"]},
)


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("bits_per_byte <= 1.9", [0, 3, 4]),
        ("bits_per_byte < 1.9", [0, 4]),
        ("1 <= bits_per_byte <= 1.9", [0, 3]),
        ("1 <= bits_per_byte and bits_per_byte <= 1.9", [0, 3]),
        ("not 1 <= bits_per_byte <= 1.9", [1, 4]),
        ("not (bits_per_byte <= 1.9 or tokens < 20)", [1]),
        ("tokens >= 3_0 and tokens < 1e2", [0, 1]),
        ("bits_per_byte != 1.5", [1, 3, 4]),
        ("bits_per_byte > -1", [0, 1, 3, 4]),
        ('language == "en"', [0]),
        ("language != en", [1, 4]),
        ("not language == 'en'", [1, 4]),
        ('language in ("en", "de")', [0, 1]),
        ('language not in ("en", "de")', [4]),
        ("tokens < 20 or tokens > 30 or language == de", [1, 3, 4]),
        ("tokens < 20 or tokens > 30 and language == de", [3]),
        ("bits_per_byte.good <= 1", [0, 4]),
        ("good - bad <= 0.1", [0]),
        ("bits_per_byte - bits_per_byte.bad <= 0.5", [0, 4]),
        ("bits_per_byte.good > bits_per_byte.bad", [1, 4]),
    ],
)
def test_a_rule_keeps_what_it_says(rule, kept):
    assert np.flatnonzero(parsed(rule).decide(FIVE).keep).tolist() == kept


def test_a_reason_is_the_first_clause_that_fails_with_the_figure_of_the_document():
    decision = parsed('tokens >= 20 and bits_per_byte <= 1.9 and language in ("en", "de")').decide(FIVE)
    assert decision.reasons() == ["", "bits_per_byte 2.3 > 1.9", "no text", "tokens 10 < 20", "language is fr"]
    causes = [decision.causes[each] for each in decision.cause]
    assert causes == ["", "bits_per_byte > 1.9", "no text", "tokens < 20", 'language not in ("en", "de")']


@pytest.mark.parametrize(
    ("rule", "reason", "cause"),
    [
        ("language != en", "no language", "no language"),
        ("bits_per_byte <= 1 or language == de", "bits_per_byte 1.9 > 1; no language", "no language"),
        (
            "bits_per_byte <= p50 by language",
            "nothing to compare bits_per_byte with (p50 of no language)",
            "no language",
        ),
        ("best 100 tokens by language", "no best 100 tokens by language of no language", "no language"),
        ("not best 100 tokens by language", "no best 100 tokens by language of no language", "no language"),
        (
            "gaussian(tokens) by language",
            "no figure for gaussian(tokens, factor=0.78, width=4.5) by language",
            "no language",
        ),
        ("good - bad <= 0", "no bits_per_byte.good - bits_per_byte.bad", "no bits_per_byte.good"),
        ("bits_per_byte.good < 1 or tokens > 99", "no bits_per_byte.good; tokens 10 <= 99", "no bits_per_byte.good"),
    ],
)
def test_what_lacks_what_a_clause_asks_for_has_a_cause_of_its_own(rule, reason, cause):
    keyed = Scored(columns=FIVE.columns, attributes=FIVE.attributes, keys=[b"a", b"b", b"c", b"d", b"e"])
    decision = parsed(rule).resolved([keyed]).decide(keyed)
    assert not decision.keep[3]
    assert (decision.reasons()[3], decision.causes[decision.cause[3]]) == (reason, cause)


def test_a_group_without_a_threshold_is_no_false_comparison():
    trusted = Scored(columns=FIVE.columns, attributes={"language": ["en"] * 5})
    decision = parsed('bits_per_byte <= p50 of "t" by language').resolved([], {("t",): [trusted]}).decide(FIVE)
    causes = [decision.causes[each] for each in decision.cause]
    nothing = 'nothing to judge by: bits_per_byte <= p50 of "t" by language'
    assert causes == ["", nothing, "no text", "no language", nothing]
    assert decision.reasons()[1] == 'nothing to compare bits_per_byte with (p50 of "t" of de)'


def test_where_no_alternative_holds_the_reason_names_them_all():
    decision = parsed("bits_per_byte <= 1 or language == de").decide(FIVE)
    assert decision.reasons()[0] == "bits_per_byte 1.5 > 1; language is en"
    assert decision.reasons()[3] == "bits_per_byte 1.9 > 1; no language"


def test_a_figure_close_to_the_bound_is_shown_in_as_many_digits_as_tell_them_apart():
    one = Scored(columns={"bits_per_byte": np.array([1.90001]), "tokens": np.array([9])})
    assert parsed("bits_per_byte <= 1.9").decide(one).reasons() == ["bits_per_byte 1.90001 > 1.9"]


def test_a_document_without_text_is_dropped_by_any_rule():
    assert parsed("language == en").decide(FIVE).reasons()[2] == "no text"


def test_a_rule_names_what_it_reads():
    rule = parsed("good - bad <= 0.1 and perplexity.other < 9 or language == en")
    assert rule.models == {"good", "bad", "other"}
    assert rule.attributes == {"language"}
    assert rule.figures == {"bits_per_byte.good", "bits_per_byte.bad", "perplexity.other", "tokens"}


@pytest.mark.parametrize("rule", ["perplexity < 9", "source == web"])
def test_what_was_not_read_is_refused(rule):
    with pytest.raises(BadProtocol, match=r"the rule asks for .*(perplexity|source)"):
        parsed(rule).decide(FIVE)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("", r"the rule '' ends where a figure or a number is due; write e\.g\. bits_per_byte <= 1\.9"),
        ("bits_per_byte < ", r"the rule 'bits_per_byte <' ends where a figure or a number is due"),
        ("tokens", r"ends where tokens is followed by <=, <, >=, >, == or !="),
        ("bits_per_bite < 2", r"has bits_per_bite at character 1, .*; did you mean bits_per_byte\?$"),
        ("bits_per_bte.good > 3", r"; did you mean bits_per_byte\.good\?$"),
        ("tokens > 3 or lenguage == en", r"has lenguage at character 15, .*; did you mean language\?$"),
        ("3 < 4", r"has 3 at character 1, and neither side of < is a figure"),
        ("language <= 3", r"has <= at character 10, where language is followed by ==, !=, in, or not in"),
        (
            "language == 3",
            r'has 3 at character 13, where a word is due for language; write e\.g\. language in \("en", "de"\)',
        ),
        ("(tokens > 3", r'ends where "\)" is due'),
        ("tokens > 3 $", r"has \$ at character 12, which begins no word"),
        ("tokens > 12a", r"has 12a at character 10, which begins no word"),
        ("tokens > 3 bytes > 4", r"has bytes at character 12, where the rule should end, or go on with and, or"),
        ("language == 'en", r"has ' at character 13, which is never closed"),
        ("good - 3 < 1", r"has 3 at character 8, where a figure or the name of a model is due"),
    ],
)
def test_a_text_that_is_no_rule_is_refused_with_the_place_and_an_example(rule, said):
    with pytest.raises(BadInput, match=said):
        parsed(rule)
