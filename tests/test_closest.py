"""A mistyped name is met with the one that was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nonplus
from nonplus.closest import did_you_mean

NAMES = ("score", "protocols", "models", "doctor")


@given(st.sampled_from(NAMES), st.data())
def test_a_name_without_one_of_its_letters_is_understood(name, data):
    left_out = data.draw(st.integers(0, len(name) - 1))
    assert did_you_mean(name[:left_out] + name[left_out + 1 :], NAMES) == f"; did you mean {name}?"


@given(st.text())
def test_no_other_name_is_offered_than_a_known_one(word):
    said = did_you_mean(word, NAMES, before="use=")
    assert said in ["", *(f"; did you mean use={name}?" for name in NAMES)]


def test_upper_and_lower_case_are_one():
    assert did_you_mean("GPTQ", ("gptq", "full")) == "; did you mean gptq?"


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda: nonplus.Protocol.named("lama.cpp"), "llama.cpp"),
        (lambda: nonplus.Protocol(bos="evry"), "bos=every"),
        (lambda: nonplus.Protocol().but(windw=3), "window=…"),
        (lambda: nonplus.open_model("bundled:tny"), "bundled:tiny"),
        (lambda: nonplus.open_model("unifrom:300"), "uniform:300"),
        (lambda: nonplus.open_corpus("jsn:a.jsonl"), "jsonl:a.jsonl"),
    ],
)
def test_python_offers_the_name_as_it_is_written_there(call, meant):
    with pytest.raises(nonplus.NonplusError) as refused:
        call()
    assert str(refused.value).endswith(f"; did you mean {meant}?")


@pytest.mark.parametrize("preset", ["gptq", "gptq:4096", "llama.cpp:4096"])
def test_a_window_that_the_model_cannot_take_is_met_with_the_one_that_it_can(preset):
    base = preset.partition(":")[0]
    with pytest.raises(nonplus.BadProtocol, match=rf"use protocol={base}:512 or less"):
        nonplus.evaluate("some text", model="tiny", protocol=preset)
