"""Help is fast and complete, and every option is a field of a record."""

import importlib
import re
import subprocess
import sys
from dataclasses import fields

import click
import pytest

from nonplus.cli import VERBS
from nonplus.cli.ngram import VERBS as OF_NGRAM
from nonplus.cli.score_plan import Output, Precision
from nonplus.cli.terminal import help_texts
from nonplus.cli.terminal.options import field_of
from nonplus.corpora import CorpusOptions
from nonplus.measure.forward import RunOptions
from nonplus.measure.protocol.choices import Protocol
from nonplus.models import DEFAULT
from nonplus.models.loading import Loading

KINDS = {
    Loading: help_texts.LOADING,
    Protocol: help_texts.PROTOCOL,
    CorpusOptions: help_texts.CORPUS,
    RunOptions: help_texts.RUN,
    Precision: help_texts.PRECISION,
    Output: help_texts.OUTPUT,
}


def modules_after(*arguments: str) -> set[str]:
    script = "import sys\nfrom nonplus.cli import main\ntry: main(sys.argv[1:])\nexcept SystemExit: print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    return {*run.stdout.split()}


def test_without_a_verb_the_help_is_printed(run):
    ran = run()
    assert ran.code == 0
    for verb, (_, does) in VERBS.items():
        assert verb in ran.out
        assert does in ran.out


def test_the_version_is_printed(run):
    assert run("--version").out == "nonplus 0.1.0\n"


def test_help_loads_no_verb_and_nothing_heavy():
    assert not {"numpy", "rich", "tokenizers", "torch", "nonplus.cli.score"} & modules_after("--help")


def test_scoring_loads_no_torch():
    assert not {"torch", "transformers", "datasets", "pyarrow"} & modules_after("score", "some text")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_field_is_an_option_and_every_option_a_field(kind):
    preset = {"name"} if kind is Protocol else set()  # the name is --protocol
    assert {field_of(flag) for flag in KINDS[kind]} == {field.name for field in fields(kind)} - preset


@pytest.mark.parametrize("verb", [*VERBS, *(f"ngram {verb}" for verb in OF_NGRAM)])
def test_every_option_appears_in_the_help(run, verb):
    command = importlib.import_module(f"nonplus.cli.{verb.replace(' ', '.')}").command
    printed = run("help", *verb.split()).out
    for option in (parameter for parameter in command.params if isinstance(parameter, click.Option)):
        assert option.help
        assert all(flag in printed for flag in [*option.opts, *option.secondary_opts])


def test_the_help_shows_the_default_model_and_protocol(run):
    printed = " ".join(run("score", "--help").out.split())
    assert f"[{DEFAULT}]" in printed
    assert "[full]" in printed


def test_the_short_help_has_ten_options_three_examples_and_the_way_to_all_others(run):
    printed = run("score", "--help").out
    assert re.findall(r"^ +(?:-\w, )?(--[\w-]+)", printed, re.MULTILINE) == [*help_texts.COMMON]
    assert len(help_texts.COMMON) == 10
    assert len(re.findall(r"^ +nonplus score ", printed, re.MULTILINE)) == 3
    assert "nonplus help score" in printed
    assert "docs/reference/command-line.md" in printed
    assert len(printed.splitlines()) < 40


def test_help_without_a_verb_is_the_overview(run):
    assert run("help").out == run("--help").out == run().out


def test_help_on_an_unknown_verb_is_refused_with_the_likely_one(run):
    ran = run("help", "scor")
    assert ran.code == 2
    assert "did you mean score?" in ran.err


def test_a_group_shows_its_verbs_and_a_wrong_word_names_them(run):
    for ran in (run("ngram"), run("ngram", "--help"), run("help", "ngram")):
        assert ran.code == 0
        assert all(verb in ran.out and does in ran.out for verb, (_, does) in OF_NGRAM.items())
    wrong = run("ngram", "inspekt")
    assert wrong.code == 2
    assert "there is no verb 'inspekt'" in wrong.err
    assert "did you mean inspect? See nonplus help ngram" in wrong.err
    assert run("ngram", "inspect").err == "error: missing argument 'MODEL'; see nonplus help ngram inspect\n"
    assert run("help", "score", "foo").err == "error: nonplus score has no verb 'foo'; see nonplus help\n"
