"""Runs of numbers are copied and counted up alike in C and with NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus import native
from nonplus.measure import runs
from nonplus.measure.runs import copy_runs, count_up, ranges

KINDS = [(np.int32, np.int32), (np.int32, np.int64), (np.int64, np.int64), (np.float32, np.float64), (np.float64,) * 2]


@pytest.fixture(params=["C", "NumPy"], scope="module", autouse=True)
def kernel(request):
    """Every test of this file with the C kernel and without it."""
    cached = native.library, runs.functions
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NONPLUS_NATIVE", "1" if request.param == "C" else "0")
        patch.setattr(runs, "_BLOCK", 7)
        for function in cached:
            function.cache_clear()
        if request.param == "C" and runs.functions() is None:
            pytest.skip("the C kernel is not built")
        yield
    for function in cached:
        function.cache_clear()


some_runs = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=12)


@given(some_runs)
def test_ranges_are_those_of_python_end_to_end(these):
    begins, counts = (np.array([row[k] for row in these], np.int64) for k in (0, 1))
    assert ranges(begins, counts).tolist() == [n for begin, count in these for n in range(begin, begin + count)]


@given(some_runs, st.sampled_from(KINDS), st.integers(0, 2), st.integers(1, 2))
def test_a_run_is_copied_as_a_slice_is(these, kinds, width, step):
    """From columns that lie close and from those with gaps, of numbers and of rows."""
    shape = (60 * step, *[width] * (width > 0))
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(kinds[0])[::step]
    counts = np.array([count for _, count in these], np.int64)
    places = np.cumsum(counts + 1) - counts
    out = np.zeros((int((counts + 1).sum()), *shape[1:]), kinds[1])
    expected = out.copy()
    for (begin, count), place in zip(these, places.tolist(), strict=True):
        expected[place : place + count] = values[begin : begin + count]
    copy_runs(values, np.array([begin for begin, _ in these], np.int64), out, places, counts)
    assert np.array_equal(out, expected)


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.int64])
def test_numbers_are_counted_up_in_every_width(kind):
    out = np.zeros(9, kind)
    count_up(out, np.array([6, 0]), np.array([40, 7]), np.array([2, 3]))
    assert out.tolist() == [7, 8, 9, 0, 0, 0, 40, 41, 0]


@pytest.mark.parametrize("place", [8, 10])
def test_a_run_beyond_its_array_is_refused(place):
    values, one = np.arange(9), np.array([2])
    with pytest.raises(IndexError):
        count_up(np.zeros(9, np.int64), np.array([place]), one, one)
    for begin, to in ((place, 0), (0, place)):
        for kind in (np.int32, np.int64):
            with pytest.raises(IndexError):
                copy_runs(values.astype(kind), np.array([begin]), np.zeros(9, np.int64), np.array([to]), one)
