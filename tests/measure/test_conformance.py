"""The doctor's checks: a sound model passes them all, and each illness is found by the check that is for it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from doubles import History

from nonplus.measure import conformance as doctor
from nonplus.measure.records import Batch, Floats, Readings
from nonplus.models.synthetic import Bytes, Uniform

Ill = Callable[[Any, Batch, Floats], Floats]


@dataclass
class Patient:
    """A sound model whose log-probabilities come out ill."""

    sound: Any
    ill: Ill

    def logprobs(self, batch: Batch) -> Floats:
        return self.ill(self.sound, batch, self.sound.logprobs(batch))

    def readings(self, batch: Batch, *, top: int) -> Readings:
        read: Readings = self.sound.readings(batch, top=top)
        return read

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sound, name)


def sees_filling(model: Any, batch: Batch, answer: Floats) -> Floats:
    return answer - batch.input_BT.shape[1]


def sees_neighbours(model: Any, batch: Batch, answer: Floats) -> Floats:
    return answer - batch.input_BT[0, 0]


def sees_the_future(model: Any, batch: Batch, answer: Floats) -> Floats:
    return answer - batch.input_BT[batch.at_N // batch.input_BT.shape[1], -1]


def never_the_same(model: Any, batch: Batch, answer: Floats) -> Floats:
    return answer - np.random.default_rng().random(len(answer))


def another_head(model: Any, batch: Batch, answer: Floats) -> Floats:
    return answer / 2


def ignores_positions(model: Any, batch: Batch, answer: Floats) -> Floats:
    begins = (batch.position_BT == 0).sum(axis=1)[batch.at_N // batch.input_BT.shape[1]]
    return answer - (begins > 1)


@pytest.mark.parametrize("model", [History(max_context=128), History(max_context=128, packs=True), Uniform(256)])
def test_a_sound_model_passes_every_check(model):
    assert [check for check in doctor.examine(model) if not check.passed] == []


@pytest.mark.parametrize(
    ("ill", "name"),
    [
        (sees_filling, "padding"),
        (sees_neighbours, "padding"),
        (sees_neighbours, "order"),
        (sees_the_future, "causality"),
        (never_the_same, "repeatable"),
        (another_head, "readings"),
        (ignores_positions, "packing"),
    ],
)
def test_an_illness_is_found_by_the_check_that_is_for_it(ill, name):
    checks = {check.name: check for check in doctor.examine(Patient(History(max_context=128, packs=True), ill))}
    assert not checks[name].passed


def test_packing_is_asked_only_of_a_model_that_packs():
    names = [check.name for check in doctor.examine(History(max_context=128))]
    assert names == ["repeatable", "padding", "order", "causality", "readings", "distribution", "beginning"]


def test_probabilities_that_do_not_sum_to_one_are_found():
    class TooSure(Patient):
        def readings(self, batch: Batch, *, top: int) -> Readings:
            read = super().readings(batch, top=top)
            return replace(read, top_nats=read.top_nats / 2)

    assert not doctor.distribution(TooSure(History(), another_head)).passed


def test_the_beginning_is_counted_once_even_if_the_tokenizer_brings_it_along():
    model = History(max_context=128, tokenizer=Bytes(before=(256,)))
    check = doctor.beginning(model)
    assert (check.measured, check.bound) == (1, 1)
    assert "no beginning token" in doctor.beginning(History(max_context=128, bos=None)).claim


def test_a_figure_that_is_no_number_fails():
    assert not doctor.Check(name="x", claim="x", measured=float("nan"), bound=1.0).passed
