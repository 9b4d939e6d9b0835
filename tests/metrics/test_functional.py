"""``nonplus.perplexity``: one number that knows what it was made of."""

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nonplus
from nonplus.errors import BadInput
from nonplus.metrics.functional import Perplexity, perplexity

PROBABILITIES = st.lists(st.floats(1e-9, 1), min_size=1, max_size=20)


def test_the_textbook_example():
    # (0.5 * 0.3 * 0.2) ** (-1 / 3), by hand
    assert perplexity(probs=[0.5, 0.3, 0.2]) == pytest.approx(3.21829794868, abs=1e-11)


def test_ten_equal_chances_have_perplexity_ten():
    assert perplexity(probs=[0.1] * 3) == pytest.approx(10)


@given(st.integers(1, 500), st.integers(1, 9))
def test_equal_logits_have_the_perplexity_of_their_number(vocabulary, tokens):
    assert perplexity(logits=np.zeros((tokens, vocabulary)), targets=[0] * tokens) == pytest.approx(vocabulary)


@given(PROBABILITIES)
def test_it_is_the_geometric_mean_of_the_inverse_probabilities(probs):
    assert perplexity(probs=probs) == pytest.approx(math.prod(p ** (-1 / len(probs)) for p in probs))


@given(PROBABILITIES, st.sampled_from([2, math.e, 10]))
def test_the_base_of_log_probabilities_does_not_change_the_perplexity(probs, base):
    from_logprobs = perplexity(logprobs=[math.log(p, base) for p in probs], base=base)
    assert from_logprobs == pytest.approx(perplexity(probs=probs))


@given(PROBABILITIES, st.sampled_from([2, math.e, 10]))
def test_its_logarithm_has_the_base_that_was_given(probs, base):
    answer = perplexity(probs=probs, base=base)
    assert answer.log == answer.log_in(base) == pytest.approx(math.log(answer, base), abs=1e-12)


def test_nats_and_bits_do_not_depend_on_the_base():
    answer = perplexity(logprobs=[-1, -3], base=2)
    assert answer.bits_per_token == answer.log == 2
    assert answer.nats == pytest.approx(4 * math.log(2))
    assert answer.tokens == 2


@given(PROBABILITIES.flatmap(lambda p: st.tuples(st.just(p), st.permutations(p))))
def test_the_order_of_tokens_does_not_matter_to_the_last_bit(orders):
    assert perplexity(probs=orders[0]) == perplexity(probs=orders[1])


def test_tokens_of_probability_zero_are_located():
    answer = perplexity(probs=[[0.5, 0.0], [0.1, 0.0]])
    assert answer.zeros == (1, 3)
    assert answer == answer.log == math.inf


def test_an_overflow_shows_in_the_perplexity_and_not_in_its_logarithm():
    answer = perplexity(logprobs=[-1e5, -1e4])
    assert answer == math.inf
    assert answer.log == 55_000
    assert answer.zeros == ()


def test_it_is_a_float():
    answer = perplexity(probs=[0.25])
    assert isinstance(answer, float)
    assert f"{answer:.2f}" == "4.00"
    assert answer + 1 == 5


def test_it_shows_what_it_was_made_of():
    assert repr(perplexity(probs=[0.5, 0.3, 0.2])) == "Perplexity(3.2183, tokens=3)"
    assert repr(perplexity(probs=[0.5, 0])) == "Perplexity(inf, tokens=2, zeros=1)"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_it_survives_copying(again):
    answer = Perplexity(nats=2.0, tokens=4, zeros=(1,), base=10)
    twin = again(answer)
    assert (twin, twin.nats, twin.tokens, twin.zeros, twin.base) == (answer, 2.0, 4, (1,), 10)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "got none"),
        ({"probs": [1], "logits": [[1]]}, "got probs= and logits="),
        ({"logits": [[1.0]]}, "got logits= without targets="),
        ({"probs": [1], "targets": [0]}, "got probs= with targets="),
        ({"probs": [1], "base": 1}, "above 1, got 1"),
    ],
)
def test_exactly_one_kind_of_number_is_taken(inputs, message):
    with pytest.raises(BadInput, match=message):
        perplexity(**inputs)


def test_it_is_at_the_front_door():
    assert nonplus.perplexity is perplexity
