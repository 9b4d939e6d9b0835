"""How much is taken off each count, so that n-grams not seen get the rest.

Chen and Goodman (1998), equation 26: with n_j n-grams of adjusted count j, and
Y = n1 / (n1 + 2 n2), D1 = 1 - 2Y n2/n1, D2 = 2 - 3Y n3/n2, D3+ = 3 - 4Y n4/n3.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np

from nonplus.measure.records import Ints


@final
@dataclass(frozen=True, slots=True)
class Discounts:
    """What is taken off the adjusted counts 1, 2, and 3 or more of one order.

    ``estimated`` is false where the text is too small, or too regular, to tell; they
    are then the ones that ``lmplz --discount_fallback`` takes.
    """

    one: float
    two: float
    more: float
    estimated: bool = True


FALLBACK = Discounts(0.5, 1.0, 1.5, estimated=False)


def discounts(n_of_count: Ints, *, zero: bool = False) -> Discounts:
    """From how many n-grams have the adjusted count 0, 1, 2, 3, 4.

    ``zero`` tells whether a discount of 0 is taken, as ``lmplz`` does. It can leave
    nothing for n-grams not seen. Computed in float32 and in the order in which
    ``lmplz`` multiplies, since the last bit can decide whether one is 0 or below it.
    """
    n = n_of_count[1:5]
    if not n[:3].all():
        return FALLBACK
    y = np.float32(n[0]) / np.float32(n[0] + 2 * n[1])
    found = [
        np.float32(j) - np.float32(j + 1) * y * np.float32(next_) / np.float32(this)
        for j, (this, next_) in enumerate(pairwise(n), 1)
    ]
    if all(0 < discount <= j or (zero and discount == 0) for j, discount in enumerate(found, 1)):
        return Discounts(float(found[0]), float(found[1]), float(found[2]))
    return FALLBACK
