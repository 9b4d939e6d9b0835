"""What every backend refuses, in the same words."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput


def not_scores(dtype: object) -> BadInput:
    """The error for scores of a ``dtype`` that is not of real numbers."""
    return BadInput(
        f"scores must be real numbers, got dtype {dtype}; give logits, log-probabilities, probabilities or surprisals"
    )


def not_dense(what: str, remedy: str) -> BadInput:
    """The error for an array that has no value of its own at some places."""
    return BadInput(f"{what} cannot be read as an array; {remedy}")


def as_numbers(values: Any) -> NDArray[Any]:
    """Token ids or a mask from another package, or a list, as NumPy.

    Raises:
        BadInput: they are not real numbers, or rows differ in length.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise BadInput(
            "token ids and masks must have rows of one length, got rows of several; pad them, and mask the padding"
        ) from None
    if array.dtype.kind not in "iubfV":  # V: the floats of other packages, such as bfloat16
        raise BadInput(f"token ids and masks must be whole numbers, got dtype {array.dtype}; give integers")
    return array


def refuse_fractions(fractional: object, dtype: object) -> None:
    """Refuse token ids or a mask if ``fractional`` is true; ``None`` is unknown."""
    if fractional:
        raise BadInput(
            f"token ids and masks must be whole numbers, got fractions or NaN in dtype {dtype}; give integers"
        )
