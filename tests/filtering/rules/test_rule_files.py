"""A rule file says what is kept, under which models, and whence its thresholds are."""

import pickle
import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import documents, scored

from nonplus.errors import BadInput, BadProtocol
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.rule_file import Model, RuleFile, read_rule, rule_of

RULES = [
    "bits_per_byte <= p60 by language and best 1e3 tokens",
    "bucket in (head, middle) from ccnet or best 5 documents by length",
    "p25 <= bits_per_byte <= p75 and gaussian(perplexity)",
    "language == \"a'b\" or source == 'say \"\N{PILE OF POO}\x7f'",
]


@pytest.mark.parametrize("text", RULES)
@given(ones=documents())
def test_a_file_reads_back_as_the_same_rule_to_the_last_bit(text, ones):
    rule = parsed(text).resolved([scored(ones)])
    file = RuleFile(
        keep=rule, models={"model": Model("bundled:ngram", "ab:cd")}, origin={"documents": len(ones), "é": 0.1}
    )
    again = rule_of(file.to_toml(), place="rule.toml")
    assert again == file
    assert np.array_equal(again.keep.decide(scored(ones)).keep, rule.decide(scored(ones)).keep)


@given(
    st.text(),
    st.text(),
    st.dictionaries(st.text(), st.text() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)),
)
def test_what_it_writes_is_toml_for_any_text(name, identity, origin):
    file = RuleFile(keep=parsed("tokens > 1"), models={name: Model(name, identity)}, origin=origin)
    held = tomllib.loads(file.to_toml())
    assert held["models"] == {name: {"name": name, "identity": identity}}
    assert held.get("origin", {}) == origin


def test_a_rule_file_is_small_and_readable():
    ones = scored([])
    rule = parsed("bits_per_byte <= p60 by language").resolved([ones])
    known = {"p60 of bits_per_byte by language": {("en",): (1.875,), ("de",): (1.5,)}}
    file = RuleFile(
        keep=parsed(str(rule), known),
        models={"model": Model("bundled:ngram", "0123:4567")},
        origin={"documents": 1000},
    )
    assert file.to_toml() == (
        "format = 1\n"
        'keep = "bits_per_byte <= p60 by language"\n'
        "\n"
        '[models."model"]\n'
        'name = "bundled:ngram"\n'
        'identity = "0123:4567"\n'
        "\n"
        "[origin]\n"
        '"documents" = 1000\n'
        "\n"
        "[thresholds]\n"
        '"p60 of bits_per_byte by language" = [\n'
        '    { group = ["de"], at = [1.5] },\n'
        '    { group = ["en"], at = [1.875] },\n'
        "]\n"
    )


def test_a_file_of_one_line_is_enough(tmp_path):
    (tmp_path / "rule.toml").write_text("keep = 'bits_per_byte <= 1.9'\n")
    assert read_rule(str(tmp_path / "rule.toml")) == RuleFile(keep=parsed("bits_per_byte <= 1.9"))


def test_a_rule_with_its_thresholds_goes_to_another_process():
    rule = parsed("bits_per_byte <= p60 by language").resolved([scored([])])
    assert pickle.loads(pickle.dumps(rule)) == rule


@pytest.mark.parametrize("role", ["model", "good"])
def test_figures_of_another_model_are_refused_with_the_names_of_both(role):
    file = RuleFile(keep=parsed("good - bad < 1"), models={role: Model("bundled:ngram", "ab:cd")})
    file.check({role: Model("renamed", "ab:cd"), "bad": Model("any", "xy")})
    with pytest.raises(BadProtocol) as refused:
        file.check({role: Model("other", "ef:01")})
    assert str(refused.value) == (
        "the rule is about figures of bundled:ngram (ab:cd), got those of other (ef:01), for which its thresholds mean "
        f"something else; use {role}=bundled:ngram, or calibrate anew"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("keep = ", "rule.toml is no TOML: "),
        ("", "rule.toml has no text under keep; write e.g. keep = 'bits_per_byte <= 1.9'"),
        ("keep = 3", "rule.toml has no text under keep"),
        ("kep = 'tokens > 1'", "rule.toml has 'kep', and the keys of a rule are format, keep, .*; did you mean keep"),
        ("format = 2\nkeep = 'tokens > 1'", "rule.toml has format = 2, where it is 1 for this nonplus"),
        ("keep = 'tokns > 1'", "the rule 'tokns > 1' has tokns at character 1, .*; did you mean tokens"),
        ("keep = 'tokens > 1'\nmodels = 3", "rule.toml has models = 3, where it is a table"),
        (
            "keep = 'tokens > 1'\n[models]\nmodel = 3",
            r"has models\.model = 3, where it is a table with name and identity",
        ),
        ("keep = 'tokens > 1'\n[origin]\nx = [1]", r"has origin\.x = \[1\], where it is a text or a number"),
        (
            "keep = 'tokens > 1'\n[thresholds]\n'p60 of tokens' = []",
            "thresholds for 'p60 of tokens', which its rule does",
        ),
        ("keep = 'tokens > p60'\n[thresholds]\n'p60 of tokens' = 3", r"has p60 of tokens = 3, where it is a list of"),
        (
            "keep = 'tokens > p60'\n[thresholds]\n'p60 of tokens' = [{group=[], at=['1']}]",
            r"where it is a list of \{ group = \[texts\], at = \[numbers\] \}",
        ),
        (
            "keep = 'tokens > p60'\n[thresholds]\n'p60 of tokens' = [{group=[], at=[1, 2]}]",
            r"has p60 of tokens = \[\[1\.0, 2\.0\]\], where it has lists of 1 under at",
        ),
    ],
)
def test_a_file_that_is_no_rule_is_refused(tmp_path, monkeypatch, content, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rule.toml").write_text(content)
    with pytest.raises(BadInput, match=said):
        read_rule("rule.toml")


def test_a_file_that_is_not_there_is_refused():
    with pytest.raises(BadInput, match=r"the rule gone\.toml cannot be read: "):
        read_rule("gone.toml")
