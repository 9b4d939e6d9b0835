"""A share of a sample, and an interval that holds as often as it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.filtering.calibration.shares import kept_share

DOCUMENTS = st.lists(st.tuples(st.booleans(), st.integers(1, 10_000)), min_size=2, max_size=50)


def share_of(documents, **options):
    kept, weights = np.array([each[0] for each in documents]), np.array([each[1] for each in documents], float)
    return kept_share(kept, weights, np.arange(len(documents)), **options)


@given(DOCUMENTS)
def test_the_share_is_that_of_the_weights_and_lies_in_its_interval(documents):
    share = share_of(documents)
    assert share.value == pytest.approx(sum(w for kept, w in documents if kept) / sum(w for _, w in documents))
    assert 0 <= share.low <= share.value <= share.high <= 1
    assert share.low < share.high


@given(DOCUMENTS)
def test_what_is_kept_and_what_is_not_add_up_and_so_do_their_intervals(documents):
    one, other = share_of(documents), share_of([(not kept, weight) for kept, weight in documents])
    assert one.value + other.value == pytest.approx(1)
    assert one.low + other.high == pytest.approx(1)


@given(DOCUMENTS)
def test_a_sample_of_everything_leaves_nothing_uncertain(documents):
    share = share_of(documents, sampled=1.0)
    assert share.low == share.value == share.high


def test_one_cluster_shows_no_interval():
    share = kept_share(np.array([True, False]), np.ones(2), np.zeros(2, np.int64))
    assert (share.value, share.low, share.high) == (0.5, None, None)


def test_documents_of_one_cluster_tell_less_than_as_many_of_their_own():
    kept = np.repeat(np.arange(100) % 3 > 0, 10)
    alone = kept_share(kept, np.ones(1000), np.arange(1000))
    together = kept_share(kept, np.ones(1000), np.arange(1000) // 10)
    assert together.high - together.low > 2.5 * (alone.high - alone.low)


@pytest.mark.parametrize("documents", [50, 400])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("spread", [0.0, 1.3])
def test_the_interval_covers_the_share_of_all_as_often_as_it_says(documents, part, spread):
    """Sizes as in real corpora: their logarithm varies by about 1.3."""
    random = np.random.default_rng(documents)
    bits = random.normal(size=100_000)
    weights = np.exp(spread * random.normal(size=len(bits)) + 0.3 * spread * bits)
    kept = bits < np.quantile(bits, part)
    true = weights[kept].sum() / weights.sum()
    covered = 0
    for _ in range(400):
        drawn = random.choice(len(bits), documents, replace=False)
        share = kept_share(kept[drawn], weights[drawn], np.arange(documents))
        covered += share.low <= true <= share.high
    assert covered / 400 > 0.92
