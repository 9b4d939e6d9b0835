"""``nonplus protocols``, ``models`` and ``doctor``."""

import json
import re
import warnings
from dataclasses import asdict, replace

import pytest

from nonplus.cli.score import command, planned
from nonplus.cli.terminal.help_texts import NGRAM_PROTOCOL, PROTOCOL
from nonplus.cli.terminal.options import field_of
from nonplus.errors import FallbackNotice
from nonplus.measure.checks import Check
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.presets import PRESETS
from nonplus.models import open_model
from nonplus.optional import MODELS, schemes


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_explained_with_its_source_and_what_to_beware_of(run, name):
    printed, preset = " ".join(run("protocols", name).out.split()), PRESETS[name]
    for words in (name, preset.does, f"Beware: {preset.beware}", f"Source: {preset.source}"):
        assert " ".join(words.split()) in printed


def test_the_protocols_are_listed_in_one_line_each_with_the_number_that_they_take(run):
    listed, _, hint = run("protocols").out.partition("\n\n")
    lines = listed.splitlines()
    assert [line.split()[0].partition(":")[0] for line in lines] == [*PRESETS]
    assert [line.split()[0] for line in lines if ":" in line.split()[0]] == [
        "stride:S",
        "hf-doc:S",
        "llama.cpp:N",
        "gptq:N",
    ]
    assert all(len(line) <= 100 for line in lines)
    assert "-p gptq:1024" in hint
    assert "nonplus protocols NAME" in hint


@pytest.mark.parametrize("name", ["ngram", "ngram:4"])
def test_every_part_of_the_signature_of_an_n_gram_model_is_explained(run, name):
    signature = open_model("bundled:ngram").protocol.signature
    parts = [part.partition(":")[0] for part in signature.split("|")]
    assert list(NGRAM_PROTOCOL) == parts
    printed = " ".join(run("protocols", name).out.split())
    for part, meaning in NGRAM_PROTOCOL.items():
        assert f"{part} {meaning}" in printed
    assert run("protocols", name, "--json").object[name]["parts"] == NGRAM_PROTOCOL
    assert "nonplus protocols ngram" in run("protocols").out


def test_one_preset_is_explained_choice_by_choice(run):
    printed = run("protocols", "llama.cpp:256").out
    assert "--window 256" in printed
    assert "--scored second-half" in printed
    assert '--joiner ""' in printed
    for flag in PROTOCOL:
        assert any(part in printed for part in flag.split("/"))


@pytest.mark.parametrize("name", PRESETS)
def test_the_choices_of_a_preset_are_printed_as_they_would_be_typed(run, name):
    typed = []
    for line in run("protocols", name).out.splitlines():
        if line.startswith("--"):
            flag, _, value = line.partition(" ")
            typed += [flag, json.loads(value).replace("\n", r"\n")] if value.startswith('"') else line.split()
    options = command.make_context("score", ["some text", *typed]).params
    plan = planned(options.pop("sources"), options.pop("model"), options.pop("protocol"), options)
    assert replace(plan.protocol, name=name) == Protocol.named(name)


def test_protocols_as_json_hold_every_choice(run):
    printed = run("protocols", "--json").object
    assert [*printed] == [*PRESETS]
    assert printed["gptq"]["choices"] == asdict(Protocol.named("gptq"))
    assert {field_of(flag) for flag in PROTOCOL} | {"name"} == {*asdict(Protocol())}
    assert [*run("protocols", "stride:64", "--json").object] == ["stride:64"]


def test_the_bundled_models_are_listed_with_their_sizes(run):
    (tiny,) = (model for model in run("models", "--json").object["models"] if model["name"] == "tiny")
    assert tiny["context"] == 512
    assert tiny["bytes"] > 1_000_000
    lines = run("models").out.splitlines()
    assert [line.split()[0] for line in lines[: lines.index("")]] == ["bundled:base", "bundled:ngram", "bundled:tiny"]


def test_every_scheme_of_models_is_listed_with_the_bundled_ones(run):
    assert set(schemes(MODELS)) <= set(re.findall(r"(\w+):", run("models").out))


def test_the_bundled_models_are_listed_with_licence_checksum_and_the_figures_of_their_cards(run):
    (tiny,) = (model for model in run("models", "--json").object["models"] if model["name"] == "tiny")
    printed = run("models", "tiny").out
    assert run("models", "bundled:tiny").out == printed
    assert tiny["licence"] in printed
    assert tiny["sha256"] in printed
    wikitext = next(figure for figure in tiny["figures"] if figure["text"] == "WikiText-2 test")
    assert wikitext["quantity"] == "bits per byte"
    assert f"{wikitext['value']:.3f}" in printed
    assert wikitext["fingerprint"] in printed
    assert len({figure["text"] for figure in tiny["figures"]}) > 30


def test_the_doctor_passes_the_bundled_model(run):
    ran = run("doctor", "--json")
    assert ran.code == 0
    assert ran.object["passed"] is True
    assert ran.object["packages"]["numpy"]
    assert ran.object["devices"][0]["name"] == "cpu"
    assert all(check["measured"] <= check["bound"] for check in ran.object["checks"])


def test_the_doctor_names_a_head_that_takes_the_slow_path(run, monkeypatch):
    def opened(name, *, loading):
        warnings.warn("granite: its head scales", FallbackNotice, stacklevel=1)
        return open_model("uniform:")

    assert json.loads(run("doctor", "--json").out)["head_path"] == "fast"
    monkeypatch.setattr("nonplus.cli.doctor.open_model", opened)
    assert json.loads(run("doctor", "--json").out)["head_path"] == "granite: its head scales"
    assert "slow  head            granite: its head scales" in run("doctor").out


def test_without_json_the_doctor_prints_lines(run):
    printed = run("doctor", "--model", "uniform:256").out
    for words in ("nonplus ", "numpy ", "[hf]", "cpu ", "checks of uniform:256", "ok    causality"):
        assert words in printed


@pytest.mark.parametrize(
    ("switch", "built", "says"),
    [
        ("0", True, "switched off by NONPLUS_NATIVE=0"),
        ("1", True, "built for another machine: reinstall"),
        ("1", False, "not built: reinstall"),
    ],
)
def test_the_doctor_explains_why_the_c_kernel_is_not_used(run, monkeypatch, switch, built, says):
    monkeypatch.setenv("NONPLUS_NATIVE", switch)
    monkeypatch.setattr("nonplus.native.library", lambda: None)
    monkeypatch.setattr("nonplus.native.built", lambda: built)
    assert says in run("doctor", "--model", "uniform:256").out


def test_a_failed_check_gives_exit_code_1(run, monkeypatch):
    wrong = Check(name="causality", claim="a token changes nothing before it", measured=2.0, bound=0.001)
    monkeypatch.setattr("nonplus.cli.doctor.examine", lambda model: iter([wrong]))
    ran = run("doctor", "--model", "uniform:256")
    assert ran.code == 1
    assert "FAIL  causality" in ran.out
    assert "(2 nats; at most 0.001)" in ran.out
    assert ran.out.splitlines()[-1] == "uniform:256 fails 1 of 2 checks (causality): do not rely on its figures"


def test_a_model_that_does_not_open_fails_that_check_and_has_a_verdict(run):
    ran = run("doctor", "--model", "nothing:x")
    assert ran.code == 1
    assert "FAIL  opens           there is no scheme 'nothing' for models" in ran.out
    assert ran.out.splitlines()[-1] == "nothing:x does not open, so nothing else was checked"
    (check,) = run("doctor", "--model", "nothing:x", "--json").object["checks"]
    assert (check["name"], check["passed"], check["measured"]) == ("opens", False, None)
    assert "no scheme 'nothing'" in check["fault"]


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_the_doctor_repeats_no_key_that_was_written_into_a_name(run, more):
    ran = run("doctor", "--model", "openai:https://127.0.0.1/v1#tiny,key=hf_not_to_be_seen", *more)
    assert "openai:https://127.0.0.1/v1#tiny" in ran.out
    assert "not_to_be_seen" not in ran.out + ran.err


def test_a_check_that_breaks_off_fails_and_the_others_go_on(run, monkeypatch):
    def broken(batch):
        raise RuntimeError("a kernel\nfailed")

    def opened(name, *, loading):
        model = open_model(name)
        monkeypatch.setattr(type(model), "distributions", lambda self, batch: broken(batch))
        return model

    monkeypatch.setattr("nonplus.cli.doctor.open_model", opened)
    ran = run("doctor", "--model", "uniform:256")
    assert ran.code == 1
    assert "FAIL  readings        RuntimeError: a kernel failed" in ran.out
    assert "ok    beginning" in ran.out
    assert ran.out.splitlines()[-1].startswith("uniform:256 fails 2 of 12 checks (readings, distribution): do not")


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_columns_of_the_doctor_keep_their_edges(run, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("nonplus.cli.doctor._installed", lambda name: "")
    printed = run("doctor", "--model", "nothing:x").out.splitlines()
    install = [line for line in printed if "pip install" in line or line.startswith("nothing:x")]
    assert all(len(line) <= max(columns, 60) for line in printed if line not in install)
    lines = iter(printed)
    assert all(line[15:16] == " " and line[16:17] != " " for line in lines if line.startswith(("[", "numpy")))
    assert all(line[21:22] == " " and line[22:23] != " " for line in printed if line.startswith("FAIL"))


def test_a_missing_extra_comes_with_the_line_that_installs_it(run, monkeypatch):
    monkeypatch.setattr("nonplus.cli.doctor._installed", lambda name: "" if name == "pyarrow" else "1.0")
    assert "missing pyarrow; pip install 'nonplus[parquet]'" in run("doctor", "--model", "uniform:256").out
