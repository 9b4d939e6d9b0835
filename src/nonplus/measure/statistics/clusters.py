"""The standard error of a ratio of sums over clusters, right for few and unequal ones
too.

Letters: C clusters.
"""

import numpy as np

from nonplus.measure.records import Floats

# The variance of a cluster's mean falls with its size to this power: 1 if its tokens
# were independent, 0 if clusters differed only as wholes. Fairfield Smith's law (1938)
# has it in between. This is the value that holds best in benchmarks/intervals.py.
SMITH = 1 / 3
_LEAST = 1e-30  # a share of 0, in bytes, may come with nats: its mean varies without bound


def ratio_error(share_C: Floats, square_C: Floats, alike_C: Floats) -> tuple[float, float]:
    """Standard error of ``R = sum(y) / sum(n)``, and its degrees of freedom.

    ``share`` is a cluster's part of sum(n), ``square`` that of ``(y - R n) / sum(n)``;
    each stands for ``alike`` clusters. Each square is scaled to be unbiased if means of
    clusters of size n vary with n**-SMITH (CR2: Bell and McCaffrey, *Survey
    Methodology* 28, 2002). The degrees of freedom are Satterthwaite's, those of the sum
    of squares under the same model (Pustejovsky and Tipton, *Journal of Business and
    Economic Statistics* 36, 2018).
    """
    # With w a share, v the variance of a mean and V that of R, the residuals of means
    # have the covariances V - w_i v_i - w_j v_j, and v_i more where i = j.
    w_C, v_C = share_C, np.maximum(share_C, _LEAST) ** -SMITH
    variance = float((alike_C * w_C**2 * v_C).sum())
    own_C = (_sum_of_others(w_C, alike_C) ** 2) * v_C + _sum_of_others(w_C**2 * v_C, alike_C)
    scale_C = v_C / own_C
    weight_C = w_C**2 * scale_C
    cross_CC = variance - (w_C * v_C)[:, None] - w_C * v_C
    pairs_CC = np.outer(alike_C, alike_C) - np.diag(alike_C)
    squares = (pairs_CC * np.outer(weight_C, weight_C) * cross_CC**2).sum() + (alike_C * (weight_C * own_C) ** 2).sum()
    with np.errstate(over="ignore"):
        error = np.sqrt((alike_C * scale_C * square_C).sum())
    return float(error), max(1.0, float(variance**2 / squares))


def _sum_of_others(values_C: Floats, alike_C: Floats) -> Floats:
    """For each cluster the sum over all others; no difference of nearly equal numbers,
    where one cluster is almost everything.
    """
    sums_C: Floats = (alike_C * values_C).sum() - values_C
    largest = values_C.argmax()
    without_C = alike_C.copy()
    without_C[largest] -= 1
    sums_C[largest] = (without_C * values_C).sum()
    return sums_C
