"""Third parties that may be absent: loaded when they are needed, or an error that says how to install them."""

import importlib
from types import ModuleType

from nonplus.errors import MissingExtra


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import ``module``, or say which extra brings it.

    Raises:
        MissingExtra: the module is not installed; the message ends with the exact install line.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingExtra(
            f"{purpose} needs {module.partition('.')[0]}, which is not installed; "
            f"it comes with an extra: pip install 'nonplus[{extra}]'"
        ) from None
