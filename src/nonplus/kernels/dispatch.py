"""Which backend knows an array, by its type."""

import importlib
from typing import Any

from nonplus.errors import BadInput

# Which backend takes the arrays of a package; all others that follow the array API standard go to ``array_api``.
_BACKENDS = {
    "numpy": "numpy",
    "torch": "torch",
    "jax": "jax",
    "jaxlib": "jax",
    "mlx": "mlx",
    "tensorflow": "keras",
}


def backend_of(x: Any) -> Any:
    """The module that knows arrays like ``x``."""
    for each in type(x).__mro__:
        name = _BACKENDS.get(each.__module__.partition(".")[0])
        if name is not None:
            return importlib.import_module(f"nonplus.kernels.backends.{name}")
    if isinstance(x, (list, tuple)):
        return importlib.import_module("nonplus.kernels.backends.numpy")
    try:
        namespace = x.__array_namespace__()
    except AttributeError:
        raise BadInput(
            f"x must be an array (NumPy, torch, jax, mlx, or one with __array_namespace__), got {type(x).__name__}"
        ) from None
    return importlib.import_module("nonplus.kernels.backends.array_api").Backend(namespace)
