"""Probabilities after every history add up to 1."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tables import Dictionaries, block, sentences

from nonplus.models.ngram.ngrams import BEGIN, SPECIAL_WORDS, NgramsInMemory
from nonplus.models.ngram.quantizing import greatest_sum
from nonplus.models.ngram.table.table import Table


@st.composite
def normalised_models(draw):
    """A model whose back-off weights are what makes the sums 1; any histories."""
    vocabulary, order = draw(st.integers(4, 7)), draw(st.integers(1, 4))
    scored = [word for word in range(vocabulary) if word != BEGIN]
    shares = draw(st.lists(st.floats(0.05, 1), min_size=len(scored), max_size=len(scored)))
    of = {(BEGIN,): (-99.0, 0.0)}
    of |= {(word,): (math.log10(share / sum(shares)), 0.0) for word, share in zip(scored, shares, strict=True)}
    orders = [of]
    known = Dictionaries(NgramsInMemory([], ()))
    known.of, known.order = dict(of), order
    for _ in range(order - 1):
        longer = {}
        for history in draw(st.lists(st.sampled_from(sorted(orders[-1])), unique=True, max_size=5)):
            continued = draw(st.lists(st.sampled_from(scored), unique=True, min_size=1, max_size=len(scored) - 1))
            probs = draw(
                st.lists(st.floats(0.01, 0.9 / len(continued)), min_size=len(continued), max_size=len(continued))
            )
            lower = sum(10 ** known.match(history[1:], word)[0] for word in continued)
            orders[-1][history] = (orders[-1][history][0], math.log10((1 - sum(probs)) / (1 - lower)))
            longer |= {(*history, word): (math.log10(prob), 0.0) for word, prob in zip(continued, probs, strict=True)}
        if not longer:
            break
        known.of |= orders[-1] | longer
        orders.append(longer)
    return NgramsInMemory([*SPECIAL_WORDS, *"abcd"][:vocabulary], tuple(map(block, orders)))


def log10_sums(table, ids, starts):
    """Of the distributions at every token."""
    sums = [np.exp(rows).sum(axis=1) for rows in table.distributions(ids, starts, np.arange(len(ids)))]
    return np.log10(np.concatenate([np.ones(0), *sums]))


@given(st.data())
def test_probabilities_after_any_history_add_up_to_1(data):
    model = data.draw(normalised_models())
    ids, starts = data.draw(sentences(len(model.words)))
    np.testing.assert_allclose(log10_sums(Table.in_memory(model), ids, starts), 0, atol=1e-5)


@given(data=st.data(), bits=st.integers(2, 8))
def test_quantised_probabilities_add_up_to_1_within_the_stated_errors(data, bits):
    model = data.draw(normalised_models())
    ids, starts = data.draw(sentences(len(model.words)))
    table = Table.in_memory(model, bits=bits)
    probs, backoffs = [[0.0, *(errors[i] for errors in table.errors if len(errors) > i)] for i in (0, 1)]
    bound = greatest_sum(probs, backoffs[: len(probs) - 1])
    assert (np.abs(log10_sums(table, ids, starts)) <= bound + 1e-5).all()


def test_a_position_without_history_has_the_first_order():
    model = NgramsInMemory(SPECIAL_WORDS, (block({(0,): (-1, 0), (1,): (-99, -2), (2,): (-0.5, 0)}),))
    (rows,) = Table.in_memory(model).distributions(np.array([1, 2], np.int32), np.array([0, 2]), np.array([1]))
    np.testing.assert_allclose(rows / np.log(10), [[-1, -np.inf, -0.5]])
