"""A rule in a file keeps what the same rule in words keeps, and only with its model."""

import json

import pytest

from nonplus.errors import BadInput, BadProtocol
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.rule_file import Model, RuleFile
from nonplus.filtering.runs.running import filter_corpus, split_corpus
from nonplus.filtering.scoring.scorer import Scorer
from nonplus.jobs.options import WorkOptions

pytest.importorskip("pyarrow")

ONE = WorkOptions(workers=1)


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "web.jsonl"
    rows = [{"text": f"{'the rain in may' if place % 3 else 'zxq jvv'} {place}"} for place in range(30)]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(path)


def kept(folder):
    return [path.read_bytes() for path in sorted((folder / "kept").iterdir())]


def file_with(path, keep, model):
    path.write_text(RuleFile(keep=parsed(keep), models={"model": Model(model, Scorer(model).identity)}).to_toml())
    return str(path)


@pytest.mark.parametrize("rule", ["bits_per_byte <= 4", "bits_per_byte <= p50"])
def test_a_rule_in_a_file_keeps_what_the_same_words_keep(corpus, tmp_path, rule):
    file = file_with(tmp_path / "rule.TOML", rule, "bundled:ngram")
    filter_corpus([corpus], str(tmp_path / "words"), keep=rule, work=ONE)
    filter_corpus([corpus], str(tmp_path / "file"), keep=file, work=ONE)
    split_corpus(str(tmp_path / "file"), str(tmp_path / "split"), keep=file, work=ONE)
    assert kept(tmp_path / "words") == kept(tmp_path / "file") == kept(tmp_path / "split")


def test_a_rule_about_another_model_is_refused(corpus, tmp_path):
    file = file_with(tmp_path / "rule.toml", "bits_per_byte <= 4", "uniform:256")
    with pytest.raises(BadProtocol, match="calibrate anew"):
        filter_corpus([corpus], str(tmp_path / "out"), keep=file, work=ONE)
    assert not (tmp_path / "out").exists()
    filter_corpus([corpus], str(tmp_path / "out"), keep="tokens > 0", work=ONE)
    with pytest.raises(BadProtocol, match="calibrate anew"):
        split_corpus(str(tmp_path / "out"), str(tmp_path / "split"), keep=file, work=ONE)


def test_a_file_that_is_not_there_is_named(corpus, tmp_path):
    with pytest.raises(BadInput, match=r"the rule nowhere\.toml cannot be read"):
        filter_corpus([corpus], str(tmp_path / "out"), keep="nowhere.toml", work=ONE)
