"""Fixed point: each value is rounded by itself, and then nothing is lost."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nonplus.measure.session import Measurement
from nonplus.measure.statistics import fixed_point
from nonplus.measure.statistics.fixed_point import exps, fixed, label_sums, run_sums, unfixed, units
from nonplus.measure.statistics.tally import Tally
from nonplus.metrics import Perplexity
from nonplus.models.synthetic import fitted_unigram

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite)
def test_a_value_becomes_the_nearest_unit(value: float) -> None:
    assert abs(fixed(value) - Fraction(value) * 2**40) <= Fraction(1, 2)


@given(finite)
def test_a_value_half_way_between_two_units_becomes_the_even_one(value: float) -> None:
    assert fixed(value) == round(Fraction(value) * 2**40)


@given(st.integers(-(2**1000), 2**1000))
def test_units_come_back_as_the_nearest_float(value: int) -> None:
    assert unfixed(value) == float(Fraction(value, 2**40))


def test_more_than_a_float_can_hold_comes_back_as_infinity() -> None:
    assert unfixed(2**1100) == math.inf


@given(arrays.arrays(np.float64, st.integers(0, 20), elements=finite))
def test_arrays_are_rounded_as_single_values_are(values: np.ndarray) -> None:
    assert units(values).tolist() == [fixed(value) for value in values.tolist()]


@given(st.lists(st.lists(st.floats(0, 1e30), max_size=5), min_size=1, max_size=8))
def test_sums_over_runs_are_those_of_a_loop_also_where_runs_are_empty(runs: list[list[float]]) -> None:
    values = np.array([value for run in runs for value in run])
    offsets = np.cumsum([0, *map(len, runs)])
    assert run_sums(units(values), offsets).tolist() == [sum(map(fixed, run)) for run in runs]


@given(st.lists(st.tuples(st.floats(0, 1e30), st.integers(0, 5)), max_size=20))
def test_sums_by_label_are_those_of_a_loop(pairs: list[tuple[float, int]]) -> None:
    values, labels = np.array([value for value, _ in pairs]), np.array([label for _, label in pairs], np.int64)
    expected = [sum(fixed(value) for value, own in pairs if own == label) for label in range(6)]
    assert label_sums(units(values), labels, 6).tolist() == expected


@given(st.lists(st.text("abc é", min_size=2, max_size=30), min_size=1, max_size=6))
def test_a_text_and_its_surprisals_have_the_same_sums_in_the_command_line_and_in_a_metric(texts: list[str]) -> None:
    measurement = Measurement(fitted_unigram(b"a cab, a cad"))
    metric = Perplexity(kind="nll", check="never")
    for scored, _ in measurement.run(texts):
        for text in scored:
            metric.update(text.nats[None], doc_ids=np.array([text.document.id]))
    report, same = measurement.report(), ("nats", "tokens", "squares", "scored", "nats_nats", "nats_tokens", "zeros")
    assert {name: getattr(report.tally, name) for name in same} == {name: getattr(metric.tally, name) for name in same}
    assert isinstance(metric.tally, Tally)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(0, 3), st.integers(1, 7))
def test_blocks_hold_each_value_of_each_run_once(lengths: list[int], begin: int, size: int) -> None:
    offsets = np.cumsum([begin, *lengths])
    found: list[list[int]] = [[] for _ in lengths]
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(fixed_point, "_BLOCK", size)
        for block in fixed_point.blocks(offsets):
            values = np.arange(block.values.start, block.values.stop)
            assert len(values) <= size
            for run, own in zip(found[block.owners], np.split(values, block.runs[1:-1]), strict=True):
                run += own.tolist()
    assert found == [list(range(start, stop)) for start, stop in pairwise(offsets.tolist())]


def test_e_to_a_value_is_the_nearest_float_whatever_processor_computes_it() -> None:
    """NumPy's own for float64 is another in 1 of 22 cases, with AVX-512."""
    values = np.random.default_rng(1).uniform(0, 12, 2000)
    with localcontext(prec=40):
        nearest = [float(Decimal(value).exp()) for value in values.tolist()]
    assert np.count_nonzero(exps(values) != nearest) < 20
    assert exps(np.array([0.0, -np.inf, np.inf, 1000.0])).tolist() == [1.0, 0.0, math.inf, math.inf]
    assert math.isnan(exps(np.array([math.nan]))[0])
