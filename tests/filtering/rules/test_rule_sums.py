"""Weights are summed by group and key, exactly, in the memory of the distinct pairs."""

import tracemalloc
from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nonplus.filtering.rules.sums import Sums

ITEMS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**64 - 1) | st.integers(0, 3), st.integers(0, 2**55)))


@given(st.lists(ITEMS))
def test_the_sums_are_those_of_a_dictionary(batches):
    sums, items, weights = Sums(), defaultdict(int), defaultdict(int)
    for batch in batches:
        sums.add(
            *(np.array([each[at] for each in batch], kind) for at, kind in enumerate((np.int64, np.uint64, np.int64)))
        )
        for group, key, weight in batch:
            items[group, key] += 1
            weights[group, key] += weight
    merged = sums.merged()
    pairs = list(zip(merged.groups.tolist(), merged.keys.tolist(), strict=True))
    assert pairs == sorted(items)
    assert merged.items.tolist() == [items[each] for each in pairs]
    assert merged.weights.tolist() == [weights[each] for each in pairs]


def test_memory_does_not_grow_with_the_items():
    def peak(many):
        sums, items = Sums(), np.arange(10_000)
        tracemalloc.start()
        for _ in range(many):
            sums.add(items % 7, (items % 500).astype(np.uint64), items)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(100) < 1.1 * peak(20)
