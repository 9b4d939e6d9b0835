"""The doctor's checks: a sound model passes them all, and each fault is found by the
check for it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from doubles import History
from test_text_scorers import ByLine, Lines

from nonplus.measure import conformance
from nonplus.measure.checks import Check
from nonplus.measure.records import Batch, Document, Floats
from nonplus.models.synthetic import Bytes, Uniform

Fault = Callable[[Batch, Floats], Floats]
FOR_ALL = ["numbers", "repeatable", "padding", "order", "memory", "causality", "beginning"]


class Plain:
    """A sound model that has nothing but log-probabilities, or faulty ones."""

    name, identity, dtype, tokenizer, budget, max_context = "faulty", "faulty", "float64", Bytes(), 64, 128

    def __init__(self, sound: History, fault: Fault = lambda batch, logprobs: logprobs) -> None:
        self.sound = sound
        self.fault = fault
        self.vocabulary, self.special, self.packs = sound.vocabulary, sound.special, sound.packs

    def logprobs(self, batch: Batch) -> Floats:
        return self.fault(batch, self.sound.logprobs(batch))


class Full(Plain):
    """The same with sound distributions and prefixes."""

    def distributions(self, batch: Batch) -> Iterator[Floats]:
        return self.sound.distributions(batch)

    def prefix(self, tokens: Any) -> Any:
        return self.sound.prefix(tokens)


class Telling(ByLine):
    """One that scores no texts but its own."""

    def __init__(self, texts: Any = ("one text", "another")) -> None:
        super().__init__()
        self.texts = [Document(text=text, id=text) for text in texts]

    def score(self, documents: Any, *, alternatives: int) -> Iterator[Any]:
        known = list(documents)
        assert {each.text for each in known} <= {each.text for each in self.texts}
        return super().score(known, alternatives=alternatives)


def sees_padding(batch: Batch, logprobs: Floats) -> Floats:
    return logprobs - batch.input_BT.shape[1]


def sees_neighbours(batch: Batch, logprobs: Floats) -> Floats:
    return logprobs - batch.input_BT[0, 0]


def sees_the_future(batch: Batch, logprobs: Floats) -> Floats:
    return logprobs - batch.input_BT[batch.at_N // batch.input_BT.shape[1], -1]


def never_the_same(batch: Batch, logprobs: Floats) -> Floats:
    return logprobs - np.random.default_rng().random(len(logprobs))


def another_head(batch: Batch, logprobs: Floats) -> Floats:
    return logprobs / 2


def ignores_positions(batch: Batch, logprobs: Floats) -> Floats:
    begins = (batch.position_BT == 0).sum(axis=1)[batch.at_N // batch.input_BT.shape[1]]
    return logprobs - (begins > 1)


def scaled_beside_far_rows(batch: Batch, logprobs: Floats) -> Floats:
    return logprobs - (batch.input_BT.shape[1] > 120)


def not_a_number(batch: Batch, logprobs: Floats) -> Floats:
    return logprobs * np.nan


class Remembering:
    """Every row longer than 120 tokens lowers the log-probabilities of those after it,
    until a short one comes.
    """

    def __init__(self) -> None:
        self.far = 0

    def __call__(self, batch: Batch, logprobs: Floats) -> Floats:
        width = batch.input_BT.shape[1]
        self.far = max(self.far, width) if width > 120 else 0
        return logprobs - max(0, self.far - width)


@pytest.mark.parametrize(
    "model",
    [
        History(max_context=128),
        History(max_context=128, packs=True),
        Uniform(256),
        Plain(History(max_context=128)),
        Full(History(max_context=128, packs=True)),
        ByLine(),
    ],
)
def test_a_sound_model_passes_every_check(model):
    assert [check for check in conformance.examine(model) if not check.passed] == []


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (sees_padding, "padding"),
        (sees_neighbours, "padding"),
        (sees_neighbours, "order"),
        (sees_the_future, "causality"),
        (never_the_same, "repeatable"),
        (another_head, "readings"),
        (another_head, "prefix"),
        (ignores_positions, "packing"),
        (scaled_beside_far_rows, "padding"),
        (scaled_beside_far_rows, "packing"),
        (Remembering(), "memory"),
        (not_a_number, "numbers"),
    ],
)
def test_a_fault_is_found_by_the_check_for_it(fault, name):
    faulty = Full(History(max_context=128, packs=True), fault)
    checks = {check.name: check for check in conformance.examine(faulty)}
    assert not checks[name].passed


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (Plain(History(max_context=128)), FOR_ALL),
        (Plain(History(max_context=128, packs=True)), [*FOR_ALL, "packing"]),
        (Full(History(max_context=128)), [*FOR_ALL[:-1], "readings", "distribution", "prefix", "beginning"]),
        (ByLine(), ["numbers", "repeatable", "once", "order", "batch", "causality"]),
        (ByLine(Lines("pseudo-perplexity")), ["numbers", "repeatable", "once", "order", "batch"]),
        (Telling(), ["numbers", "repeatable", "order", "batch"]),
    ],
)
def test_a_check_is_made_or_it_is_said_why_it_does_not_apply(model, names):
    assert [check.name for check in conformance.examine(model)] == names
    assert all(check.passed for check in conformance.examine(model))
    reasons = conformance.inapplicable(model)
    assert not reasons.keys() & {*names}
    assert reasons.keys() | {*names} >= {*FOR_ALL, "packing", "readings", "distribution", "prefix"}


def test_a_file_with_one_text_says_that_it_has_no_other_to_compare():
    assert conformance.inapplicable(Telling(["only"]))["order"] == "it has one text only"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (lambda batch, logprobs: logprobs.tolist(), "log-probabilities as a list"),
        (lambda batch, logprobs: logprobs[:-1], "log-probabilities of shape"),
        (lambda batch, logprobs: logprobs[:, None], "log-probabilities of shape"),
        (lambda batch, logprobs: -logprobs, "none is above 0"),
    ],
)
def test_what_breaks_the_contract_is_named_in_its_sentence(fault, says):
    checks = {check.name: check for check in conformance.examine(Plain(History(max_context=128), fault))}
    assert not any(checks[name].passed for name in FOR_ALL[:-1])
    assert says in checks["numbers"].fault
    assert "Error" not in checks["numbers"].fault


def test_distributions_that_break_the_contract_are_named_in_its_sentence():
    class Short(Full):
        def distributions(self, batch: Batch) -> Iterator[Floats]:
            return (chunk[:, :-1] for chunk in super().distributions(batch))

    checks = {check.name: check for check in conformance.examine(Short(History(max_context=128)))}
    assert "a chunk of log-probabilities of shape" in checks["distribution"].fault


def test_log_probabilities_a_little_above_0_are_measured():
    class Loud(Plain):
        dtype = "float64"

    check = conformance.numbers(Loud(History(max_context=128), lambda batch, logprobs: np.full_like(logprobs, 0.01)))
    assert not check.passed
    assert check.measured == 0.01


class Faulty(ByLine):
    """Changes each batch of texts, by its place among them and how many it has."""

    def __init__(self, fault: Any, *, together: int) -> None:
        super().__init__(together=together)
        self._fault = fault

    def score(self, documents: Any, *, alternatives: int) -> Iterator[Any]:
        for number, texts in enumerate(super().score(documents, alternatives=alternatives)):
            yield self._fault(number, texts)


def learns(number: int, texts: Any) -> Any:
    return replace(texts, nats=texts.nats / (number + 1))


def sees_others(number: int, texts: Any) -> Any:
    return replace(texts, nats=texts.nats + len(texts))


def spreads(number: int, texts: Any) -> Any:
    return replace(texts, nats=np.full(len(texts.nats), texts.nats.mean()))


def ends_early(number: int, texts: Any) -> Any:
    return replace(texts, tokens=replace(texts.tokens, byte_ends=texts.tokens.byte_ends // 2))


def leaves_some_out(number: int, texts: Any) -> Any:
    kept = {name: getattr(texts, name)[::2] for name in ("index", "nats", "seen", "weight")}
    return replace(texts, **kept)


def not_numbers(number: int, texts: Any) -> Any:
    return replace(texts, nats=texts.nats * np.nan)


@pytest.mark.parametrize(
    ("fault", "together", "failed"),
    [
        (learns, 1, ["order", "batch"]),
        (sees_others, 6, ["batch"]),
        (spreads, 1, ["causality"]),
        (ends_early, 1, ["once"]),
        (leaves_some_out, 1, ["once"]),
        (not_numbers, 1, ["numbers", "repeatable", "once", "order", "batch", "causality"]),
    ],
)
def test_a_fault_of_a_text_scorer_is_found_by_the_check_for_it(fault, together, failed):
    checks = conformance.examine(Faulty(fault, together=together))
    assert [check.name for check in checks if not check.passed] == failed


def test_a_text_scorer_that_gives_texts_in_another_order_is_found():
    class Turned(ByLine):
        def score(self, documents: Any, *, alternatives: int) -> Iterator[Any]:
            return super().score(list(documents)[::-1], alternatives=alternatives)

    (numbers, *_) = conformance.examine(Turned())
    assert "give each document once, in the order in which they come" in numbers.fault


def test_probabilities_that_do_not_sum_to_1_are_found():
    class TooSure(Full):
        def distributions(self, batch: Batch) -> Iterator[Floats]:
            return (chunk / 2 for chunk in super().distributions(batch))

    assert not conformance.distribution(TooSure(History(max_context=128))).passed


def test_bos_is_counted_once_even_if_the_tokenizer_adds_it():
    model = History(max_context=128, tokenizer=Bytes(before=(256,)))
    check = conformance.beginning(model)
    assert (check.measured, check.bound) == (1, 1)
    assert "no BOS token" in conformance.beginning(History(max_context=128, bos=None)).claim


def test_a_check_that_the_model_breaks_off_fails_with_a_sentence_and_the_others_are_made():
    def refuses_far_rows(batch: Batch, logprobs: Floats) -> Floats:
        if batch.input_BT.shape[1] > 120:
            raise RuntimeError("index out of\n range")
        return logprobs

    checks = {c.name: c for c in conformance.examine(Plain(History(max_context=128), refuses_far_rows))}
    assert [name for name, check in checks.items() if not check.passed] == ["padding", "order", "memory"]
    assert checks["padding"].fault == "RuntimeError: index out of range"
    assert checks["padding"].measured is None


def test_nan_fails():
    assert not Check(name="x", claim="x", measured=float("nan"), bound=1.0).passed
