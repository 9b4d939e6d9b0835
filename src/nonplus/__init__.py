"""How surprised a language model is by text: exact perplexity, with its conditions."""

import importlib
from typing import TYPE_CHECKING

from nonplus.version import VERSION

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
    from nonplus.filtering.fields.options import ReadOptions, WriteOptions
    from nonplus.filtering.runs.options import ScoreOptions
    from nonplus.filtering.runs.report import FilterReport
    from nonplus.filtering.runs.running import filter_corpus, split_corpus
    from nonplus.filtering.scoring.scorer import Scorer
    from nonplus.jobs.options import WorkOptions
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
    from nonplus.models.wrapped import wrap

__version__ = VERSION
__all__ = [
    "PRESETS",
    "BadInput",
    "BadModel",
    "BadProbability",
    "BadProtocol",
    "BadRecord",
    "Document",
    "FilterReport",
    "MissingExtra",
    "NonplusError",
    "Perplexity",
    "Protocol",
    "ProtocolWarning",
    "ReadOptions",
    "Report",
    "RunOptions",
    "ScoreOptions",
    "ScoredText",
    "Scorer",
    "TokenScore",
    "TrainingOptions",
    "TrainingReport",
    "WorkOptions",
    "WriteOptions",
    "convert_ngrams",
    "evaluate",
    "filter_corpus",
    "inspect_ngrams",
    "open_corpus",
    "open_model",
    "perplexity",
    "prune_ngrams",
    "score",
    "split_corpus",
    "train_ngrams",
    "wrap",
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
    "FilterReport": "nonplus.filtering.runs.report",
    "MissingExtra": "nonplus.errors",
    "NonplusError": "nonplus.errors",
    "Perplexity": "nonplus.metrics.functional",
    "Protocol": "nonplus.measure.protocol.choices",
    "ProtocolWarning": "nonplus.errors",
    "ReadOptions": "nonplus.filtering.fields.options",
    "Report": "nonplus.measure.report",
    "RunOptions": "nonplus.measure.forward",
    "ScoreOptions": "nonplus.filtering.runs.options",
    "ScoredText": "nonplus.measure.scores",
    "Scorer": "nonplus.filtering.scoring.scorer",
    "TokenScore": "nonplus.measure.scores",
    "TrainingOptions": "nonplus.models.ngram.training.options",
    "TrainingReport": "nonplus.models.ngram.training.report",
    "WorkOptions": "nonplus.jobs.options",
    "WriteOptions": "nonplus.filtering.fields.options",
    "convert_ngrams": "nonplus.api",
    "evaluate": "nonplus.api",
    "filter_corpus": "nonplus.filtering.runs.running",
    "inspect_ngrams": "nonplus.api",
    "open_corpus": "nonplus.corpora",
    "open_model": "nonplus.models",
    "perplexity": "nonplus.metrics.functional",
    "prune_ngrams": "nonplus.api",
    "score": "nonplus.api",
    "split_corpus": "nonplus.filtering.runs.running",
    "train_ngrams": "nonplus.api",
    "wrap": "nonplus.models.wrapped",
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
