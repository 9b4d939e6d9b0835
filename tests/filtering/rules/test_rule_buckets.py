"""A bucket tells between which cutoffs a perplexity lies, as in cc_net."""

import numpy as np
import pytest

from nonplus.errors import BadInput, BadProtocol
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.rule_file import rule_of
from nonplus.filtering.rules.scored import Scored


def scored(perplexities, languages):
    return Scored(
        columns={"perplexity": np.array(perplexities, np.float64), "tokens": np.ones(len(perplexities))},
        attributes={"language": languages},
    )


def buckets(rule, perplexities, languages):
    return parsed(rule).decide(scored(perplexities, languages)).bucket


# P30 and P60 of nine languages, read off cc_net/data/cutoff.csv at commit bda555b.
@pytest.mark.parametrize(
    ("language", "head", "tail"),
    [
        ("en", 340, 520),
        ("fr", 180, 330),
        ("de", 370, 590),
        ("es", 180, 290),
        ("zh", 1460, 1950),
        ("ja", 1110, 1450),
        ("ru", 210, 310),
        ("ar", 490, 790),
        ("hi", 480, 790),
    ],
)
def test_the_published_table_cuts_as_cc_net_does(language, head, tail):
    # PerplexityBucket.get_bucket: below P30 is head, below P60 is middle, of what DocLM
    # has rounded to one decimal.
    perplexities = [0, head - 0.06, head - 0.04, head, tail - 0.06, tail - 0.04, tail, 1e9]
    expected = ["head", "head", "middle", "middle", "middle", "tail", "tail", "tail"]
    assert buckets("bucket in (head, middle) from ccnet", perplexities, [language] * 8) == expected


def test_a_language_without_cutoffs_is_all_and_a_document_without_perplexity_has_no_bucket():
    rule = "bucket in (head, middle, all) from ccnet"
    assert buckets(rule, [100, 100, np.nan], ["xx", None, "en"]) == ["all", "all", None]
    decision = parsed("bucket != head from ccnet").decide(scored([100, 100, np.nan], ["en", "xx", "en"]))
    assert decision.keep.tolist() == [False, True, False]
    assert decision.reasons() == ["bucket is head", "", "no perplexity"]


def test_own_buckets_are_cut_at_the_quantiles_of_the_corpus():
    corpus = scored(range(1, 11), ["en"] * 10)
    decision = parsed("bucket in (head, middle)").resolved([corpus]).decide(corpus)
    assert decision.bucket == ["head"] * 2 + ["middle"] * 3 + ["tail"] * 5
    assert decision.keep.tolist() == [True] * 5 + [False] * 5
    assert decision.reasons()[9] == "bucket is tail"
    assert decision.causes[decision.cause[9]] == "bucket not in (head, middle)"


def test_own_buckets_can_be_cut_in_each_language():
    corpus = scored([1, 2, 3, 4, 10, 20, 30, 40, 5], [*["en"] * 4, *["de"] * 4, None])
    decision = parsed("bucket == tail by language").resolved([corpus]).decide(corpus)
    assert decision.bucket == [*["head", "middle", "tail", "tail"] * 2, "all"]


def test_a_file_in_the_form_of_cc_net_gives_the_cutoffs(tmp_path):
    table = tmp_path / "cutoff.csv"
    table.write_text(",en,de\n0,0,10\n30,100,200.5\n60,300,400\n99,900,900\n")
    rule = f'bucket in (head, middle) from "{table}"'
    assert buckets(rule, [99, 100, 200.4, 200.5, 300, 50], ["en", "en", "de", "de", "en", "fr"]) == [
        "head",
        "middle",
        "head",
        "middle",
        "tail",
        "all",
    ]


def test_two_cutoffs_may_be_one_and_then_there_is_no_middle(tmp_path):
    table = tmp_path / "cutoff.csv"
    table.write_text(",en\n30,5\n60,5\n")
    assert buckets(f'bucket == head from "{table}"', [4.9, 5], ["en", "en"]) == ["head", "tail"]


def test_a_rule_file_may_hold_the_cutoffs_itself():
    file = rule_of(
        """
        keep = 'bucket == head from "ours"'
        [thresholds]
        'cutoffs of "ours"' = [{ group = ["en"], at = [100, 300] }]
        """,
        place="rule.toml",
    )
    assert file.keep.decide(scored([99, 100, 300, 1], ["en", "en", "en", "de"])).bucket == [
        "head",
        "middle",
        "tail",
        "all",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is no table of cutoffs"),
        (",en\n30,1\n", "is no table of cutoffs; its first row is ',' and the languages"),
        (",en,de\n30,1\n60,2,3\n", "has 1 in the row 30, where 2 numbers are due"),
        (",en\n30,low\n60,2\n", "has low in the row 30, where 1 numbers are due"),
        (",en\n30,5\n60,2\n", "has for en 5 at 30 and 2 at 60, where cutoffs rise"),
        (",en\n30,nan\n60,2\n", "where cutoffs rise"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, content, said):
    table = tmp_path / "cutoff.csv"
    table.write_text(content)
    with pytest.raises(BadInput, match=said):
        parsed(f'bucket == head from "{table}"')


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"the cutoffs of .*gone\.csv cannot be read"):
        parsed(f'bucket == head from "{tmp_path}/gone.csv"')


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("bucket == haed", "is none of head, middle, tail, all; did you mean head?"),
        ("bucket == head from cc_net", "has cc_net at character 21, where ccnet or the name of a file is due"),
        ("bucket == head from ccnet by language", "where the rule should end"),
    ],
)
def test_a_bucket_that_is_none_is_refused(rule, said):
    with pytest.raises(BadInput) as refused:
        parsed(rule)
    assert said in str(refused.value)


def test_a_rule_has_one_kind_of_buckets():
    with pytest.raises(BadProtocol, match="the rule has buckets of two kinds"):
        parsed("bucket == head from ccnet or bucket == head")
