"""Protocols: every choice shows in the fingerprint, and a bad one says so."""

import hashlib
import json
from dataclasses import replace

import pytest
from doubles import History
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadProtocol, ProtocolWarning
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.lm_eval_text import detokenize, lm_eval_counts
from nonplus.measure.protocol.presets import PRESETS
from nonplus.measure.protocol.resolved import resolve
from nonplus.measure.scoring import score
from nonplus.models.synthetic import Bytes

OTHERWISE = {
    "unit": "stream",
    "joiner": " ",
    "window": 9,
    "stride": 3,
    "cut": "whole",
    "bos": "first",
    "without_bos": "eos",
    "specials": "added",
    "special_text": "plain",
    "newlines": "normalise",
    "last_newline": "drop",
    "scored": "second-half",
    "too_long": "truncate",
    "booking": "hf-doc",
    "average": "texts",
    "detokenize": "wikitext",
    "denominator": "lm-eval",
}


# Some choices mean something only beside another one.
NEEDS = {
    "joiner": {"unit": "stream"},
    "scored": {"cut": "chunks", "bos": "none", "window": 8},
    "too_long": {"cut": "whole"},
}


@pytest.mark.parametrize(("choice", "value"), OTHERWISE.items())
def test_every_choice_changes_the_fingerprint_and_shows_in_the_signature(choice: str, value: object) -> None:
    base = Protocol(**NEEDS.get(choice, {}))
    usual, other = (resolve(p, History(max_context=64)) for p in (base, base.but(**{choice: value})))
    assert usual.fingerprint != other.fingerprint
    assert usual.signature != other.signature


def test_the_name_of_a_protocol_is_not_part_of_its_fingerprint() -> None:
    named, plain = (resolve(p, History()) for p in (Protocol(name="mine"), Protocol()))
    assert named.fingerprint == plain.fingerprint


def test_a_choice_at_its_default_is_not_part_of_the_fingerprint() -> None:
    """So a choice that is added later changes none: this one was computed by hand, of
    what differs from the default, the numbers, the prefix and the dtype.
    """
    counted = {"bos": "first", "dtype": "float64", "prefix": [256], "stride": 16, "window": 16}
    text = json.dumps(counted, sort_keys=True)
    expected = hashlib.sha256(text.encode()).hexdigest()[:12]
    assert resolve(Protocol(bos="first"), History()).fingerprint == expected


def test_the_prefix_and_the_number_format_are_part_of_the_fingerprint() -> None:
    half = History()
    half.dtype = "float16"
    models = [History(), History(bos=None), half]
    assert len({resolve(Protocol(), model).fingerprint for model in models}) == 3


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_says_what_it_does_where_it_is_from_and_what_to_beware_of(name: str) -> None:
    preset = PRESETS[name]
    assert Protocol.named(name).name == name
    assert all(len(words) > 20 for words in (preset.does, preset.beware))
    assert preset.source


@pytest.mark.parametrize(
    ("name", "choice", "value"),
    [
        ("stride:64", "stride", 64),
        ("hf-doc:32", "stride", 32),
        ("llama.cpp:128", "window", 128),
        ("gptq:77", "window", 77),
    ],
)
def test_a_number_may_follow_the_name(name: str, choice: str, value: int) -> None:
    assert getattr(Protocol.named(name), choice) == value
    assert Protocol.named(name).name == name


@pytest.mark.parametrize(
    "name", ["ful", "", "full:3", "stride:0", "stride:x", "stride:-1", "lmppl:5", "stride:", "stride:" + "9" * 5000]
)
def test_a_name_that_is_none_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(BadProtocol, match=r"full|stride"):
        Protocol.named(name)


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"bos": "some"}, "bos='some' is not one of every, first, none, eos, replace"),
        ({"window": 1}, "window=1 is too small"),
        ({"stride": -3}, "stride=-3 is too small"),
        ({"cut": "diagonal"}, "cut='diagonal' is not one of"),
    ],
)
def test_a_value_that_is_no_choice_is_refused(choices: dict, says: str) -> None:
    with pytest.raises(BadProtocol, match=says):
        Protocol(**choices)


def test_a_choice_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadProtocol, match="no choice named windows"):
        Protocol().but(windows=3)


def test_a_changed_preset_no_longer_bears_its_name() -> None:
    assert Protocol.named("gptq").but(joiner=" ").name == "gptq+"


@pytest.mark.parametrize(
    "choices",
    [
        {"cut": "chunks", "bos": "none", "stride": 3},
        {"cut": "whole", "stride": 3},
        {"scored": "second-half"},
        {"too_long": "truncate"},
        {"joiner": ""},
        {"bos": "none", "without_bos": "eos"},
        {"cut": "whole", "denominator": "lm-eval"},
    ],
)
def test_a_choice_that_would_change_nothing_is_refused(choices: dict) -> None:
    with pytest.raises(BadProtocol, match=r"has no effect with .*; omit .*="):
        resolve(Protocol(**choices), History())


def test_replacing_the_first_token_needs_whole_chunks() -> None:
    with pytest.raises(BadProtocol, match="bos=replace"):
        resolve(Protocol(bos="replace"), History())


def test_a_tokenizer_that_adds_a_beginning_token_is_a_caution_under_lm_eval() -> None:
    model = History(tokenizer=Bytes(before=(256,)))
    with pytest.warns(ProtocolWarning, match="the second BOS is scored"):
        (scored,) = score(["ab"], model=model, protocol=Protocol.named("lm-eval"))
    assert scored.nats[0] == pytest.approx(-model.log_probability([256], 256))


def test_a_beginning_token_of_chat_turns_is_a_caution_where_it_is_used() -> None:
    model = History()
    model.special = replace(model.special, begins_turns=True)
    (caution,) = resolve(Protocol(), model).cautions
    assert caution == (
        "the BOS token of history begins the turns of its chats, and other texts of its training may have begun with "
        "another token or none; compare with bos=none"
    )
    assert resolve(Protocol(bos="none"), model).cautions == ()


def test_the_presets_without_known_faults_give_no_caution() -> None:
    assert resolve(Protocol.named("full"), History()).cautions == ()
    assert resolve(Protocol.named("stride:4"), History()).cautions == ()


def test_wikitext_is_put_together_as_it_was_written() -> None:
    cut = ' = Title = \n In 1 @,@ 000 BC , " Rome " ( Italy ) was well @-@ known ; Marcus \'s 3 @.@ 5 \n'
    assert detokenize(cut) == ' = Title =\nIn 1,000 BC, "Rome" (Italy) was well-known; Marcus\'s 3.5\n'


@given(st.text(min_size=1))
def test_lm_eval_counts_a_word_more_for_every_blank_edge(text: str) -> None:
    words, n_bytes = lm_eval_counts(text)
    edges = text[:1].isspace() + text[-1:].isspace() if text.strip() else 1
    expected = len(text.split()) + edges if text.strip() else 2
    assert n_bytes == len(text.encode())
    assert words == expected or any(c in "\x1c\x1d\x1e\x1f\x85" for c in text)
