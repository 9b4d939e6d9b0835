"""How often scored tokens count: once under nearly every protocol, and then it takes no
memory.
"""

import numpy as np

from nonplus.measure.records import Floats


def once(n: int) -> Floats:
    """Weights of ``n`` tokens that each count once, shape (n,); read-only."""
    return np.broadcast_to(np.float64(1), n)


def are_once(weight_S: Floats) -> bool:
    """Whether these are of :func:`once`; not of other arrays of ones."""
    return weight_S.strides == (0,) and bool((weight_S[:1] == 1).all())
