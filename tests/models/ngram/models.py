"""Small n-gram models: drawn by hypothesis, and the folder of those kept as files."""

import itertools
from pathlib import Path
from random import Random

import numpy as np
from hypothesis import strategies as st

from nonplus.models.ngram.ngrams import BEGIN, SPECIAL_WORDS, Block, NgramsInMemory

FIXTURES = Path(__file__).with_name("fixtures")

log10_probs = st.one_of(st.floats(max_value=0.0, width=32, allow_nan=False), st.just(-99.0))
log10_backoffs = st.floats(width=32, allow_nan=False, allow_infinity=False)
words = st.text(min_size=1, max_size=4).filter(
    lambda word: not set(word) & set(" \t\r\n") and word not in (*SPECIAL_WORDS, "<UNK>")
)


@st.composite
def models(draw: st.DrawFn, max_order: int = 4) -> NgramsInMemory:
    """Any model where an n-gram's prefix and suffix are n-grams, in any order."""
    vocabulary = [*SPECIAL_WORDS, *draw(st.lists(words, unique=True, max_size=5))]
    kept: list[list[tuple[int, ...]]] = [[(i,) for i in range(len(vocabulary))]]
    for _ in range(draw(st.integers(0, max_order - 1))):
        known = set(kept[-1])
        longer = [(*left, right[-1]) for left in kept[-1] for right in kept[-1] if left[1:] == right[:-1]]
        chosen = draw(st.lists(st.sampled_from(longer), unique=True, max_size=8)) if longer else []
        assert all(ids[:-1] in known and ids[1:] in known for ids in chosen)
        kept.append(chosen)
    orders = []
    for k, chosen in enumerate(kept, 1):
        n = len(chosen)
        probs = draw(st.lists(log10_probs, min_size=n, max_size=n))
        highest = k == len(kept)
        backoffs = [0.0] * n if highest else draw(st.lists(log10_backoffs, min_size=n, max_size=n))
        ids = np.array(chosen, np.int32).reshape(n, k)
        orders.append(Block(ids, np.array(probs, np.float32), np.array(backoffs, np.float32)))
    return NgramsInMemory(vocabulary, tuple(orders))


@st.composite
def _with_histories(draw: st.DrawFn, *, orders: int) -> NgramsInMemory:
    """A model with any numbers, in which every history is an n-gram too."""
    words = [*SPECIAL_WORDS, *"abcd"[: draw(st.integers(1, 4))]]
    order = draw(st.integers(1, orders))
    log10s = st.floats(-8, 0, width=32)
    levels = [[(word,) for word in range(len(words))]]
    for _ in range(1, order):
        possible = [(*history, word) for history in levels[-1] for word in range(len(words)) if word != BEGIN]
        levels.append(sorted(draw(st.sets(st.sampled_from(possible), min_size=1, max_size=30))))
    blocks = []
    for level in levels:
        values = draw(st.lists(st.tuples(log10s, log10s), min_size=len(level), max_size=len(level)))
        probs_M, backoffs_M = np.array(values, np.float32).T
        highest = level is levels[-1]
        blocks.append(Block(np.array(level, np.int32), probs_M, np.zeros_like(probs_M) if highest else backoffs_M))
    return NgramsInMemory(words, tuple(blocks))


@st.composite
def proper_models(draw: st.DrawFn, *, orders: int = 4) -> NgramsInMemory:
    """A model whose probabilities sum to 1 after every history, but for rounding.

    Each n-gram gets what it would have by backing off, times a drawn factor, so that
    the sum of the n-grams after a history stays below 1.
    """
    shape = draw(_with_histories(orders=orders))
    scorable = [word for word in range(len(shape.words)) if word != BEGIN]
    probs: dict[tuple[int, ...], float] = {}
    backoffs: dict[tuple[int, ...], float] = {}

    def prob(ids: tuple[int, ...]) -> float:
        return probs[ids] if ids in probs else backoffs.get(ids[:-1], 1.0) * prob(ids[1:])

    share = st.floats(0.05, 1)
    weights = {word: draw(share) for word in scorable}
    probs |= {(word,): weight / sum(weights.values()) for word, weight in weights.items()} | {(BEGIN,): 1e-99}
    for block in shape.orders[1:]:
        rows = [tuple(row) for row in block.ids_Mk.tolist()]
        for history, followers in itertools.groupby(rows, key=lambda row: row[:-1]):
            ngrams = list(followers)
            lower = {ngram: prob(ngram[1:]) for ngram in ngrams}
            rest = 1 - sum(lower.values())
            raised = {ngram: value * draw(st.floats(1, 5)) for ngram, value in lower.items()}
            total = sum(raised.values())
            if rest < 1e-6:  # every word is there: they share all
                backoffs[history] = 1.0
                probs |= {ngram: value / total for ngram, value in raised.items()}
            else:
                given_to_ngrams = min(total, draw(st.floats(0.2, 0.9)))
                probs |= {ngram: value / total * given_to_ngrams for ngram, value in raised.items()}
                backoffs[history] = (1 - given_to_ngrams) / rest
    return NgramsInMemory(shape.words, tuple(_block(block, probs, backoffs) for block in shape.orders))


def _block(block: Block, probs: dict[tuple[int, ...], float], backoffs: dict[tuple[int, ...], float]) -> Block:
    rows = [tuple(row) for row in block.ids_Mk.tolist()]
    log10 = [(np.log10(probs[row]), np.log10(backoffs.get(row, 1.0))) for row in rows]
    return Block(block.ids_Mk, *np.array(log10, np.float32).T.copy())


def shuffled(model: NgramsInMemory, random: Random) -> NgramsInMemory:
    """The same model with its n-grams above the first order in another order."""

    def mixed(block: Block) -> Block:
        places = list(range(len(block.ids_Mk)))
        random.shuffle(places)
        return Block(block.ids_Mk[places], block.log10_probs_M[places], block.log10_backoffs_M[places])

    return NgramsInMemory(model.words, (model.orders[0], *map(mixed, model.orders[1:])))


def bits(model: NgramsInMemory) -> tuple[object, ...]:
    """What two models have in common if and only if they are the same, bit for bit."""
    return tuple(model.words), tuple(
        (block.ids_Mk.tolist(), block.log10_probs_M.tobytes(), block.log10_backoffs_M.tobytes())
        for block in model.orders
    )
