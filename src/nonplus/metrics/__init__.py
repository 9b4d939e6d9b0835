"""Perplexity in any loop: exact metric objects over one accumulator.

::

    from nonplus.metrics import Perplexity               any loop, any arrays
    from nonplus.metrics.torchmetrics import Perplexity  torchmetrics, Lightning
    from nonplus.metrics.keras import Perplexity         Keras 3
    from nonplus.metrics.trainer import ...              the Trainer of transformers
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nonplus.kernels.head_nll import head_nll
    from nonplus.kernels.token_nll import token_nll
    from nonplus.metrics.perplexity import Perplexity
    from nonplus.metrics.protocol import MetricProtocol

__all__ = ["MetricProtocol", "Perplexity", "head_nll", "token_nll"]

_HOMES = {
    "MetricProtocol": "nonplus.metrics.protocol",
    "Perplexity": "nonplus.metrics.perplexity",
    "head_nll": "nonplus.kernels.head_nll",
    "token_nll": "nonplus.kernels.token_nll",
}


def __getattr__(name: str) -> object:
    """Import a public name at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'nonplus.metrics' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return __all__
