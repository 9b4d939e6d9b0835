"""How surprised a language model is by text: exact perplexity, with its conditions."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nonplus.api import convert_ngrams, evaluate, inspect_ngrams, prune_ngrams, score, train_ngrams
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
    from nonplus.measure.records import Document
    from nonplus.measure.report import Report
    from nonplus.measure.scores import ScoredText, TokenScore
    from nonplus.metrics.functional import Perplexity, perplexity
    from nonplus.models import open_model
    from nonplus.models.ngram.training.options import TrainingOptions
    from nonplus.models.ngram.training.report import TrainingReport

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
    "TrainingOptions",
    "TrainingReport",
    "convert_ngrams",
    "evaluate",
    "inspect_ngrams",
    "open_corpus",
    "open_model",
    "perplexity",
    "prune_ngrams",
    "score",
    "train_ngrams",
]

# Where each public name is defined.
_HOMES = {
    "PRESETS": "nonplus.measure.protocol.presets",
    "BadInput": "nonplus.errors",
    "BadModel": "nonplus.errors",
    "BadProbability": "nonplus.errors",
    "BadProtocol": "nonplus.errors",
    "BadRecord": "nonplus.errors",
    "Document": "nonplus.measure.records",
    "MissingExtra": "nonplus.errors",
    "NonplusError": "nonplus.errors",
    "Perplexity": "nonplus.metrics.functional",
    "Protocol": "nonplus.measure.protocol.choices",
    "ProtocolWarning": "nonplus.errors",
    "Report": "nonplus.measure.report",
    "RunOptions": "nonplus.measure.forward",
    "ScoredText": "nonplus.measure.scores",
    "TokenScore": "nonplus.measure.scores",
    "TrainingOptions": "nonplus.models.ngram.training.options",
    "TrainingReport": "nonplus.models.ngram.training.report",
    "convert_ngrams": "nonplus.api",
    "evaluate": "nonplus.api",
    "inspect_ngrams": "nonplus.api",
    "open_corpus": "nonplus.corpora",
    "open_model": "nonplus.models",
    "perplexity": "nonplus.metrics.functional",
    "prune_ngrams": "nonplus.api",
    "score": "nonplus.api",
    "train_ngrams": "nonplus.api",
}


def __getattr__(name: str) -> object:
    """Import a public name at its first use, so that ``import nonplus`` is fast."""
    if name == "metrics":  # a package with public names of its own
        return importlib.import_module("nonplus.metrics")
    if name not in _HOMES:
        raise AttributeError(f"module 'nonplus' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return __all__
