"""Small n-gram models: drawn by hypothesis, and the folder of those kept as files."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from nonplus.models.ngram.ngrams import SPECIAL_WORDS, Block, NgramsInMemory

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


def bits(model: NgramsInMemory) -> tuple[object, ...]:
    """What two models have in common if and only if they are the same, bit for bit."""
    return tuple(model.words), tuple(
        (block.ids_Mk.tolist(), block.log10_probs_M.tobytes(), block.log10_backoffs_M.tobytes())
        for block in model.orders
    )
