"""The error of a ratio over few and unequal clusters, and its degrees of freedom."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.records import Floats
from nonplus.measure.statistics.clusters import SMITH, ratio_error

sizes = st.lists(st.floats(0.01, 1000), min_size=3, max_size=12)


def by_matrices(y: Floats, n: Floats) -> tuple[float, float]:
    """The oracle: the ratio as weighted least squares on a constant, by matrices.

    Residuals are (I - H) m. Under the model of variances they have covariance M; CR2
    scales each square to its expectation, and Satterthwaite's degrees are those of the
    quadratic form (Pustejovsky and Tipton, 2018, section 2).
    """
    share, means = n / n.sum(), y / n
    model = np.diag(n**-SMITH)
    left = np.eye(len(n)) - np.ones((len(n), 1)) @ share[None, :]
    covariance = left @ model @ left.T
    form = np.diag(share**2 * np.diag(model) / np.diag(covariance))
    residual = left @ means
    product = form @ covariance
    return math.sqrt(residual @ form @ residual), np.trace(product) ** 2 / np.trace(product @ product)


def of_sums(y: Floats, n: Floats) -> tuple[float, float]:
    return ratio_error(n / n.sum(), ((y - y.sum() / n.sum() * n) / n.sum()) ** 2, np.ones(len(n)))


@given(sizes, st.integers(0, 2**32 - 1))
def test_error_and_degrees_are_those_of_matrix_algebra(these: list[float], seed: int) -> None:
    n = np.array(these)
    y = n * np.random.default_rng(seed).gamma(9, 1 / 3, len(n))
    (error, degrees), (slow_error, slow_degrees) = of_sums(y, n), by_matrices(y, n)
    assert error == pytest.approx(slow_error, rel=1e-6)
    assert degrees == pytest.approx(max(1.0, slow_degrees), rel=1e-6)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=40))
def test_of_clusters_of_one_size_it_is_the_error_of_a_mean(means: list[float]) -> None:
    error, degrees = of_sums(np.array(means) * 7, np.full(len(means), 7.0))
    assert error == pytest.approx(statistics.stdev(means) / math.sqrt(len(means)), rel=1e-6, abs=1e-9)
    assert degrees == pytest.approx(len(means) - 1)


@given(sizes, st.integers(2, 9))
def test_clusters_that_are_alike_may_be_counted_once(these: list[float], times: int) -> None:
    n, square = np.array(these), np.arange(len(these), dtype=float)
    one_by_one = ratio_error(np.repeat(n, times) / (n.sum() * times), np.repeat(square, times), np.ones(len(n) * times))
    assert ratio_error(n / (n.sum() * times), square, np.full(len(n), float(times))) == pytest.approx(one_by_one)


@given(st.floats(1e-15, 0.4), st.integers(2, 30))
def test_beside_a_cluster_that_is_almost_everything_one_degree_is_left(rest: float, others: int) -> None:
    share = np.array([1 - rest, *[rest / others] * others])
    error, degrees = ratio_error(share, share**2, np.ones(others + 1))
    assert math.isfinite(error)
    assert 1 <= degrees <= others
    assert degrees < 1.1 or rest > 1e-3


def test_a_cluster_without_units_counts_with_its_residual() -> None:
    error, degrees = ratio_error(np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.0, 4.0]), np.ones(3))
    assert (error, degrees) == pytest.approx((2.0, 1.0))
