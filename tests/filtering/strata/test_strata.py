"""Sums before and after a cut, compared with a slow recount."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.filtering.strata.strata import BANDS, BINS, UNITS, WIDTH, Strata, bands, bins, said

ONE = st.tuples(
    st.floats(0, 20) | st.just(float("nan")) | st.just(float("inf")),
    st.integers(1, 1000),
    st.integers(1, 100_000),
    st.booleans(),
    st.sampled_from(["en", "de", None]),
)
DOCUMENTS = st.lists(ONE, max_size=30)


def summed(*batches):
    strata = Strata()
    for batch in batches:
        amounts = np.array([(1, tokens, size) for _, tokens, size, _, _ in batch], np.int64).reshape(-1, 3)
        strata.add(
            np.array([each[0] for each in batch], float),
            amounts,
            np.array([each[3] for each in batch], bool),
            {"language": [each[4] for each in batch], "length": bands(amounts[:, 2])},
        )
    return strata


@given(DOCUMENTS)
def test_sums_are_those_of_a_recount(documents):
    strata = summed(documents)
    for language in ("en", "de", None):
        here = [each for each in documents if each[4] == language]
        kept = [each for each in here if each[3]]
        if not here:
            continue
        stratum = strata.kinds["language"][said(language)]
        for found, them in ((stratum.before, here), (stratum.after, kept)):
            assert found.tolist() == [len(them), sum(e[1] for e in them), sum(e[2] for e in them)]
        for found, them in ((stratum.bins_before, here), (stratum.bins_after, kept)):
            counted = [0] * BINS
            for bits, *_ in them:
                if bits == bits:
                    counted[BINS - 1 if bits >= 12 else int(bits / WIDTH)] += 1
            assert found.tolist() == counted


@given(DOCUMENTS, DOCUMENTS)
def test_batches_add_up_in_any_order(one, other):
    first, second, whole = summed(one, other), summed(other, one), summed(one + other)
    assert first.as_dict() == second.as_dict() == whole.as_dict()


@given(DOCUMENTS)
def test_the_strata_of_a_kind_add_up_to_the_whole(documents):
    strata = summed(documents)
    for kind in strata.kinds:
        for unit in range(len(UNITS)):
            assert sum(int(each.before[unit]) for _, each in strata.rows(kind)) == strata.whole.before[unit]
            shares = [strata.share(each, unit) for _, each in strata.rows(kind)]
            assert sum(before for before, _ in shares) == pytest.approx(int(bool(documents)))
            assert sum(after for _, after in shares) == pytest.approx(int(any(each[3] for each in documents)))


def test_bands_are_listed_by_length_and_others_by_their_size():
    strata = summed([(1.0, 1, 300, True, "en"), (1.0, 1, 100, True, "de"), (1.0, 1, 90_000, True, "de")])
    assert [name for name, _ in strata.rows("length")] == [BANDS[0], BANDS[1], BANDS[-1]]
    assert [name for name, _ in strata.rows("language")] == ["de", "en"]


def test_a_band_ends_where_the_next_begins():
    sizes = np.array([0, 249, 250, 999, 1000, 3999, 4000, 15_999, 16_000, 63_999, 64_000])
    assert [BANDS.index(band) for band in bands(sizes)] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]


def test_what_has_no_figure_is_in_no_bin_and_what_is_infinite_in_the_last():
    assert bins(np.array([np.nan, np.inf, 0.0, 0.1, 11.95, 12.0])).tolist() == [BINS, BINS - 1, 0, 1, 119, 120]
