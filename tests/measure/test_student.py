"""Student's quantiles, at whole and at fractional degrees of freedom."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.statistics.student import student_quantile

# golden: scipy 1.17.1, by degrees d:
# [float(scipy.stats.t.ppf(p, d)) for p in (0.9, 0.975, 0.9995)]
QUANTILES = {
    1: [3.0776835371752544, 12.706204736174694, 636.6192487687897],
    1.3: [2.425947410787918, 7.500529325562029, 153.26589277351601],
    2: [1.8856180831641272, 4.302652729749462, 31.599054576445365],
    2.7: [1.6881081751466425, 3.3921483831737507, 15.63577286317451],
    3: [1.637744353696209, 3.1824463052837078, 12.923978636687961],
    5: [1.4758840488244815, 2.5705818356363146, 6.868826625881276],
    7.5: [1.4052118464159533, 2.333039626864974, 5.20772565580064],
    10: [1.372183641110336, 2.228138851986274, 4.586893858702708],
    30: [1.3104150253913955, 2.0422724563012378, 3.6459586350420627],
    61.25: [1.2955266607468736, 1.999458532895036, 3.456582506753469],
    1000: [1.2823987214609247, 1.9623390808264083, 3.300282648423944],
    100000.0: [1.2815600314493614, 1.9599877075346095, 3.2906240314119137],
}


@pytest.mark.parametrize("degrees", QUANTILES)
def test_quantiles_are_those_of_scipy(degrees: float) -> None:
    found = [student_quantile(p, degrees) for p in (0.9, 0.975, 0.9995)]
    assert found == pytest.approx(QUANTILES[degrees], rel=5e-6)


@given(st.floats(0.5, 0.999))
def test_at_one_and_two_degrees_it_is_the_closed_form(p: float) -> None:
    assert student_quantile(p, 1) == pytest.approx(math.tan(math.pi * (p - 0.5)), rel=1e-9, abs=1e-12)
    assert student_quantile(p, 2) == pytest.approx((2 * p - 1) / math.sqrt(2 * p * (1 - p)), rel=1e-9, abs=1e-12)


@given(st.floats(0.5, 0.999), st.floats(1, 1e5), st.floats(1.01, 10))
def test_it_rises_with_the_level_and_falls_with_the_degrees(p: float, degrees: float, factor: float) -> None:
    assert student_quantile(p, degrees) >= student_quantile(p, degrees * factor) - 1e-9
    assert student_quantile((p + 1) / 2, degrees) > student_quantile(p, degrees)
