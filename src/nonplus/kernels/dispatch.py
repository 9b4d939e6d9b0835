"""Which backend knows an array, by its type."""

import importlib
from typing import Any

from nonplus.errors import BadInput

# Which backend takes the arrays of a package; all others that follow the array API
# standard go to ``array_api``.
_BACKENDS = {
    "numpy": "nonplus.kernels.backends.numpy",
    "torch": "nonplus.kernels.backends.torch",
    "jax": "nonplus.kernels.backends.jax",
    "jaxlib": "nonplus.kernels.backends.jax",
    "mlx": "nonplus.kernels.backends.mlx",
    "tensorflow": "nonplus.kernels.backends.keras",
}


def backend_of(x: Any) -> Any:
    """The module that knows arrays like ``x``."""
    for each in type(x).__mro__:
        package = each.__module__.partition(".")[0]
        if package in _BACKENDS:
            return importlib.import_module(_BACKENDS[package])
    if isinstance(x, (list, tuple)):
        return importlib.import_module("nonplus.kernels.backends.numpy")
    try:
        namespace = x.__array_namespace__()
    except AttributeError:
        raise BadInput(
            f"x must be an array (NumPy, torch, jax, mlx, or one with __array_namespace__), got {type(x).__name__}"
        ) from None
    return importlib.import_module("nonplus.kernels.backends.array_api").Backend(namespace)
