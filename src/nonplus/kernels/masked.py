"""Masked arrays of NumPy: a place that is masked does not count."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.kernels.dispatch import backend_of


def with_mask(values: Any, mask: Any) -> tuple[Any, Any]:
    """Surprisals or targets (..., T) without a mask of their own, and all masks joined.

    Raises:
        BadInput: ``mask`` is masked itself, or has no values yet; or ``values`` are a
            list of masked arrays.
    """
    refuse_masked(mask, "a mask")
    if not _is_masked(values):
        return values, mask
    real = ~np.ma.getmaskarray(values)
    plain = values.filled(0)
    if mask is None:
        return plain, real
    marks = backend_of(mask).concrete(mask)
    if marks is None:
        raise BadInput("a masked array cannot be used inside a traced computation; pass plain arrays and one mask")
    marks = np.asarray(marks)
    # a mask of another shape is refused where shapes are compared
    return plain, np.where(real, marks, 0) if marks.shape == real.shape else mask


def refuse_masked(values: Any, what: str) -> None:
    """Refuse a masked array where a masked place has no meaning.

    Raises:
        BadInput: ``values`` are one, or a list of them.
    """
    if _is_masked(values):
        raise BadInput(
            f"{what} cannot be a masked array, only surprisals, probabilities of tokens and targets can; pass its "
            "data, and the places that do not count as mask="
        )


def unmasked(values: Any, *, fill: float) -> tuple[Any, NDArray[np.bool_] | None]:
    """Values of tokens with ``fill`` where masked, and which count, if some are.

    Raises:
        BadInput: they are a list of masked arrays.
    """
    if not _is_masked(values):
        return values, None
    return values.filled(fill), ~np.ma.getmaskarray(values)


def _is_masked(values: Any) -> bool:
    if isinstance(values, list | tuple) and any(isinstance(each, np.ma.MaskedArray) for each in values):
        raise BadInput("an array of a list of masked arrays has no mask; pass one masked array: numpy.ma.array(values)")
    return isinstance(values, np.ma.MaskedArray)
