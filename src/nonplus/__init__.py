"""How surprised a language model is by text: perplexity, measured exactly, with its conditions beside it."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nonplus.api import evaluate, score
    from nonplus.corpora import open_corpus
    from nonplus.errors import (
        BadInput,
        BadModel,
        BadProbability,
        BadProtocol,
        BadRecord,
        MissingExtra,
        NonplusError,
        ProtocolWarning,
    )
    from nonplus.measure.forward import RunOptions
    from nonplus.measure.protocol.choices import Protocol
    from nonplus.measure.protocol.presets import PRESETS
    from nonplus.measure.records import Document, ScoredText, TokenScore
    from nonplus.measure.report import Report
    from nonplus.metrics.functional import Perplexity, perplexity
    from nonplus.models import open_model

__version__ = "0.1.0"
__all__ = [
    "PRESETS",
    "BadInput",
    "BadModel",
    "BadProbability",
    "BadProtocol",
    "BadRecord",
    "Document",
    "MissingExtra",
    "NonplusError",
    "Perplexity",
    "Protocol",
    "ProtocolWarning",
    "Report",
    "RunOptions",
    "ScoredText",
    "TokenScore",
    "evaluate",
    "open_corpus",
    "open_model",
    "perplexity",
    "score",
]

_HOMES = {
    "api": ("evaluate", "score"),
    "corpora": ("open_corpus",),
    "errors": (
        "BadInput",
        "BadModel",
        "BadProbability",
        "BadProtocol",
        "BadRecord",
        "MissingExtra",
        "NonplusError",
        "ProtocolWarning",
    ),
    "measure.forward": ("RunOptions",),
    "measure.protocol.choices": ("Protocol",),
    "measure.protocol.presets": ("PRESETS",),
    "measure.records": ("Document", "ScoredText", "TokenScore"),
    "measure.report": ("Report",),
    "metrics.functional": ("Perplexity", "perplexity"),
    "models": ("open_model",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that ``import nonplus`` costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'nonplus' has no attribute {name!r}")
    return getattr(importlib.import_module(f"nonplus.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return __all__
