"""What a layer of a transformer does between its products of matrices.

Letters in shapes: M tokens, F channels of the feed-forward layer, K key heads, R rows
of scores of each, Q tokens whose scores they are, S tokens that these see.
"""

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.native import layers
from nonplus.measure.records import Ints

Array = NDArray[np.float32]


def causal_exponentials(score_KRS: Array, first_Q: Ints) -> Array:
    """Turn scores of Q tokens, R / Q times, into exponentials in place, relative to the
    largest of a row; their sums, shape (K, R).

    Token ``q`` sees the scores from ``first_Q[q]`` to its own place, Q - q before the
    end; the others become 0.
    """
    if layers.functions() is None:
        return pure_causal_exponentials(score_KRS, first_Q)
    return layers.causal_exponentials(score_KRS, first_Q)


def swiglu(both_MF2: Array) -> Array:
    """``gate * sigmoid(gate) * up``, from both side by side; shape (M, F).

    SwiGLU, after Shazeer 2020, arXiv:2002.05202.
    """
    return pure_swiglu(both_MF2) if layers.functions() is None else layers.swiglu(both_MF2)


def pure_causal_exponentials(score_KRS: Array, first_Q: Ints) -> Array:
    """The same without the C kernel."""
    k, _, s = score_KRS.shape
    q = len(first_Q)
    place_S, own_Q1 = np.arange(s), np.arange(s - q, s)[:, None]
    hidden_QS = (place_S < first_Q[:, None]) | (place_S > own_Q1)
    np.copyto(score_KRS.reshape(k, -1, q, s), -np.inf, where=hidden_QS)
    score_KRS -= score_KRS.max(axis=2, keepdims=True)
    np.exp(score_KRS, out=score_KRS)
    sum_KR: Array = score_KRS.sum(axis=2)
    return sum_KR


def pure_swiglu(both_MF2: Array) -> Array:
    """The same without the C kernel."""
    half = both_MF2.shape[1] // 2
    gate_MF, up_MF = both_MF2[:, :half], both_MF2[:, half:]
    inverse_MF: Array = np.negative(gate_MF)
    with np.errstate(over="ignore"):  # an infinite divisor gives the right limit, 0
        np.exp(inverse_MF, out=inverse_MF)
    inverse_MF += 1
    np.divide(gate_MF, inverse_MF, out=inverse_MF)
    inverse_MF *= up_MF
    return inverse_MF
