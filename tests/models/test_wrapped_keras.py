"""Models of Keras are scored through ``nonplus.wrap``."""

import math
import os
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest

# read once, when Keras is imported
os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or ("torch" if find_spec("torch") else "numpy")

pytest.importorskip("keras")

import keras

import nonplus
from nonplus.errors import BadModel
from nonplus.models.synthetic import Bytes

# of Keras 3.15, where it brings a variable to NumPy 2.4
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TEXTS = ["A small brown dog barked twice.", "“Été”"]


def network(last):
    """A recurrent model of bytes; none of its positions sees those after it."""
    keras.utils.set_random_seed(0)
    layers = [keras.Input((None,), dtype="int32"), keras.layers.Embedding(256, 8)]
    return keras.Sequential([*layers, keras.layers.SimpleRNN(8, return_sequences=True), last])


def surprisals(model, text):
    """Step by step in float64, from the weights."""
    embedding, into, again, bias, head, of_head = (np.asarray(w.numpy(), np.float64) for w in model.weights)
    state, ids = np.zeros(8), text.encode()
    for token, target in pairwise(ids):
        state = np.tanh(embedding[token] @ into + state @ again + bias)
        logits = (state @ head + of_head).tolist()
        yield math.log(math.fsum(map(math.exp, logits))) - logits[target]


def test_a_network_of_keras_has_the_figure_of_its_weights_in_float64():
    model = network(keras.layers.Dense(256))
    weights = {each.path: each.numpy() for each in model.weights}
    report = nonplus.evaluate(TEXTS, model=nonplus.wrap(model, tokenizer=Bytes(), context=40, weights=weights))
    expected = sum(nats for text in TEXTS for nats in surprisals(model, text))
    assert report.nats == pytest.approx(expected, rel=1e-5)
    assert report.dtype == "float32"
    assert report.model_identity


def test_a_network_that_ends_in_a_softmax_is_refused():
    with pytest.raises(BadModel, match="gives probabilities"):
        nonplus.wrap(network(keras.layers.Dense(256, activation="softmax")), tokenizer=Bytes(), context=40)
