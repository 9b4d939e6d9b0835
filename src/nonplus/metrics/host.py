"""Numbers of any array, on the host."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.kernels.token_nll import backend_of

Array = NDArray[Any]


def on_host(values: Any) -> Array | None:
    """``values`` as a NumPy array; of other packages, floating point of any width is made wide enough for NumPy.

    Raises:
        BadInput: values that there are none of yet, in a traced computation.
    """
    if values is None or isinstance(values, (list, tuple, str, int, float, np.ndarray, np.generic)):
        return None if values is None else np.asarray(values)
    backend = backend_of(values)
    if values.dtype != (values == values).dtype:  # no flags
        numbers = backend.scores(values)  # without history
        if numbers.dtype == values.dtype:  # not whole
            return floats_on_host(numbers)
    return _known(backend.concrete(values))


def floats_on_host(numbers: Any) -> Array:
    """Floating point of any width, wide enough for NumPy."""
    backend = backend_of(numbers)
    # it takes surprisals of any width, and those have no sign
    sizes = _known(backend.concrete(backend.given(abs(numbers), numbers == numbers)))
    signed = np.where(_known(backend.concrete(numbers < 0)), -sizes, sizes)
    signed[_known(backend.concrete(numbers != numbers))] = np.nan
    return signed


def _known(array: Array | None) -> Array:
    if array is None:
        raise BadInput(
            "sums are kept outside of traced computations, got an array without a value; give what comes beside the "
            "batch outside, too"
        )
    return array
