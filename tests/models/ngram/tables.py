"""Models with holes drawn by hypothesis, and a slow look-up in dictionaries."""

import math
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from nonplus.models.ngram.ngrams import SPECIAL_WORDS, Block, NgramsInMemory

logs = st.one_of(st.floats(-8, 0, width=32), st.sampled_from([0.0, -99.0]))
weights = st.one_of(st.floats(-3, 1, width=32), st.sampled_from([0.0, -0.0]))


def block(log_of):
    """A block from a dictionary of tuples: word ids to two logarithms."""
    ids = np.array(sorted(log_of), np.int32).reshape(len(log_of), -1)
    values = np.array([log_of[tuple(row)] for row in ids.tolist()], np.float32).reshape(-1, 2)
    return Block(ids, values[:, 0].copy(), values[:, 1].copy())


MODEL = NgramsInMemory(
    [*SPECIAL_WORDS, "a", "b"],
    (
        block({(0,): (-2, 0), (1,): (-99, -0.5), (2,): (-1, -0.25), (3,): (-0.5, 0.5), (4,): (-0.75, 0)}),
        block({(1, 3): (-0.125, -0.375), (3, 4): (-0.25, 0), (4, 2): (-1.5, -3)}),
        block({(1, 3, 4): (-0.0625, 0), (4, 3, 4): (-0.03125, 0)}),
    ),
)


@st.composite
def holed_models(draw, max_order=5):
    """Any model: an n-gram's prefix and suffix need not be n-grams of it."""
    vocabulary = draw(st.integers(3, 7))
    order = draw(st.integers(1, max_order))
    one = st.tuples(logs, weights)
    orders = [block({(word,): draw(one) for word in range(vocabulary)})]
    for k in range(2, order + 1):
        ids = st.tuples(*[st.integers(0, vocabulary - 1)] * k)
        highest = st.tuples(logs, st.just(0.0))
        drawn = draw(st.dictionaries(ids, one if k < order else highest, max_size=12))
        made = block(drawn) if drawn else Block(np.empty((0, k), np.int32), *np.empty((2, 0), np.float32))
        orders.append(made)
    return NgramsInMemory([*SPECIAL_WORDS, *"abcd"][:vocabulary], tuple(orders))


@st.composite
def sentences(draw, vocabulary):
    """Ids of any words, also of ``<s>`` and ``</s>`` in the middle, and the starts."""
    lengths = draw(st.lists(st.integers(0, 9), max_size=8))
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    n = int(starts[-1])
    ids = draw(st.lists(st.integers(0, vocabulary - 1), min_size=n, max_size=n))
    return np.array(ids, np.int32), starts


class Dictionaries:
    """A model as the definition of ARPA files reads: a dictionary of tuples."""

    def __init__(self, model):
        self.order = len(model.counts)
        self.of = {}
        for k in range(1, self.order + 1):
            for each in model.blocks(k):
                rows = zip(each.ids_Mk.tolist(), each.log10_probs_M, each.log10_backoffs_M, strict=True)
                self.of |= {tuple(ids): (float(prob), float(weight)) for ids, prob, weight in rows}

    def match(self, history, word):
        """Base-10 log-probability, length of the n-gram, base-10 log of the weights."""
        history, weight = tuple(history)[max(0, len(history) - self.order + 1) :], 0.0
        while (*history, word) not in self.of:
            weight += self.of.get(history, (0.0, 0.0))[1]
            history = history[1:]
        return self.of[*history, word][0] + weight, len(history) + 1, weight

    def score(self, ids, starts):
        """Surprisals, lengths and weights in nats, one token after the other."""
        found = []
        for start, stop in pairwise(starts):
            sentence = ids[start:stop].tolist()
            found += [self.match(sentence[:i], word) for i, word in enumerate(sentence)]
        logs, lengths, weights = np.array(found).reshape(-1, 3).T
        return -logs * math.log(10), lengths.astype(np.uint8), weights * math.log(10)
