"""Arrays of any kind, copied to the CPU as NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.kernels.dispatch import backend_of

Array = NDArray[Any]


def concrete(values: Any) -> Array:
    """An array's values as NumPy.

    Raises:
        BadInput: an array inside a traced computation, which has no values yet.
    """
    array = backend_of(values).concrete(values)
    if array is None:
        raise BadInput(
            "an array inside a traced computation (jax.jit) has no value yet; pass it outside of the computation"
        )
    return array


def is_array(values: Any) -> bool:
    """Whether a backend takes ``values``: not a list, a column of a table, a range."""
    try:
        backend_of(values)
    except BadInput:
        return False
    return not isinstance(values, list | tuple)


def as_numpy(values: Any) -> Array | None:
    """``values`` as a NumPy array; ``None`` stays ``None``.

    Raises:
        BadInput: values inside a traced computation, which do not exist yet.
    """
    if values is None:
        return None
    if isinstance(values, str | int | float):
        return np.asarray(values)
    array = concrete(values) if is_array(values) else np.asarray(values)
    return np.asarray(array.tolist()) if array.dtype == object else array
