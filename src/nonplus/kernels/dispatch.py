"""Which backend takes an array, by the array's type."""

import importlib
from typing import TYPE_CHECKING, Any

from nonplus.errors import BadInput
from nonplus.kernels.backends import Backend, array_api

if TYPE_CHECKING:
    from nonplus.kernels.backends import jax, keras, mlx, numpy, torch

    # mypy compares each module with the Protocol
    _CHECKED: tuple[Backend, ...] = (array_api, jax, keras, mlx, numpy, torch)

# The backend for the arrays of each package. All others that follow the array API
# standard go to ``array_api``.
BACKENDS = {
    "numpy": "nonplus.kernels.backends.numpy",
    "torch": "nonplus.kernels.backends.torch",
    "jax": "nonplus.kernels.backends.jax",
    "jaxlib": "nonplus.kernels.backends.jax",
    "mlx": "nonplus.kernels.backends.mlx",
    "tensorflow": "nonplus.kernels.backends.keras",
}


def backend_of(x: Any) -> Backend:
    """The backend for arrays like ``x``, or for lists.

    Raises:
        BadInput: ``x`` is not an array.
    """
    package = _package(x)
    if package is not None:
        backend: Backend = importlib.import_module(BACKENDS[package])
        return backend
    try:
        x.__array_namespace__()
    except AttributeError:
        raise BadInput(
            f"x must be an array (NumPy, torch, jax, mlx, or one with __array_namespace__), got {type(x).__name__}; "
            f"convert it first, for example with numpy.asarray"
        ) from None
    return array_api


def _package(x: Any) -> str | None:
    """The package in ``BACKENDS`` that defines the type of ``x`` or a base of it."""
    if isinstance(x, (list, tuple)):
        return "numpy"
    packages = (each.__module__.partition(".")[0] for each in type(x).__mro__)
    return next((package for package in packages if package in BACKENDS), None)
