"""Numbers of any array, on the host."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.kernels.dispatch import backend_of

Array = NDArray[Any]


def on_host(values: Any) -> Array | None:
    """``values`` as a NumPy array; ``None`` stays what it is.

    Raises:
        BadInput: values that there are none of yet, in a traced computation.
    """
    if values is None:
        return None
    if isinstance(values, str | int | float):
        return np.asarray(values)
    try:
        backend = backend_of(values)
    except BadInput:  # a column of a table, a range
        array: Array | None = np.asarray(values)
    else:
        array = np.asarray(values) if isinstance(values, list | tuple) else backend.concrete(values)
    if array is None:
        raise BadInput(
            "sums are kept outside of traced computations, got an array without a value; give what comes beside the "
            "batch outside, too"
        )
    return np.asarray(array.tolist()) if array.dtype == object else array
