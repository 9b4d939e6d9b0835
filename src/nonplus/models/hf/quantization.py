"""Quantised weights: the ways to make them while loading, and what stored ones need."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import torch
from transformers import BitsAndBytesConfig, PreTrainedModel, TorchAoConfig

from nonplus.errors import BadModel, MissingExtra
from nonplus.optional import EXTRAS, require

_BitsAndBytes: Any = BitsAndBytesConfig
_TorchAo: Any = TorchAoConfig

_BY = {"8bit": "bitsandbytes", "4bit": "bitsandbytes", "torchao-int8": "torchao"}

# What transformers imports for a method; it says itself what other methods need.
_PACKAGES = {
    "bitsandbytes": ("bitsandbytes",),
    "bitsandbytes_4bit": ("bitsandbytes",),
    "bitsandbytes_8bit": ("bitsandbytes",),
    "compressed-tensors": ("compressed_tensors",),
    "torchao": ("torchao",),
    "gptq": ("gptqmodel", "optimum"),
    "awq": ("gptqmodel",),
}


def check(name: str, *, stored: Mapping[str, Any] | None) -> None:
    """Before minutes of loading: the way ``name`` is known, suits the weights as they
    are stored, and its packages are installed.

    ``stored`` is what config.json says of quantisation.

    Raises:
        BadModel: it is unknown, or the weights are quantised already.
        MissingExtra: a package is not installed.
    """
    if name and name not in _BY:
        raise BadModel(
            f"quantization={name!r} is not one of {', '.join(_BY)}; use one of these, or omit "
            f"quantization={name!r} if the model is stored quantised"
        )
    if name and stored is not None:
        raise BadModel(
            f"quantization={name!r} is for weights that are stored in full, and these are quantised "
            f"({described(stored)}); omit quantization={name!r}"
        )
    method = _BY[name] if name else str((stored or {}).get("quant_method"))
    absent = [package for package in _PACKAGES.get(method, ()) if find_spec(package) is None]
    if absent:
        what = f"quantization={name}" if name else f"a model stored quantised ({described(stored or {})})"
        raise MissingExtra(f"{what} needs {' and '.join(absent)}, not installed here: {_line(absent)}")


def _line(absent: list[str]) -> str:
    extra = "quantized"
    bare = all(package in EXTRAS[extra] for package in absent)
    return f"pip install 'nonplus[{extra}]'" if bare else f"pip install {' '.join(absent)}"


def while_loading(name: str, *, dtype: torch.dtype | str) -> dict[str, Any]:
    """What transformers is told, to quantise so; nothing for an empty name.

    Layers of four bits compute in ``dtype``, or in bfloat16 if it is ``auto``.
    """
    match name:
        case "8bit":
            return {"quantization_config": _BitsAndBytes(load_in_8bit=True)}
        case "4bit":
            computed = torch.bfloat16 if dtype == "auto" else dtype
            nf4 = _BitsAndBytes(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=computed)
            return {"quantization_config": nf4}
        case "torchao-int8":
            ways = require("torchao.quantization", purpose="quantization=torchao-int8")
            return {"quantization_config": _TorchAo(ways.Int8WeightOnlyConfig())}
    return {}  # with None in it, transformers would read stored integers as missing weights


def stated(name: str, inner: PreTrainedModel) -> str:
    """The name, with how weights are quantised if they are."""
    settings = getattr(inner.config, "quantization_config", None)
    if settings is None:
        return name
    return f"{name}, {described(settings if isinstance(settings, dict) else settings.to_dict())}"


def described(settings: Mapping[str, Any]) -> str:
    """Such as ``nf4 by bitsandbytes``, from the settings of transformers."""
    method = settings.get("quant_method", "")
    method = getattr(method, "value", method)
    match settings:
        case {"load_in_4bit": True, "bnb_4bit_quant_type": kind}:
            return f"{kind} by bitsandbytes"
        case {"load_in_8bit": True}:
            return "int8 by bitsandbytes"
        case {"quant_type": {"default": {"_type": str(kind)}}}:
            return f"{kind.removesuffix('Config')} by {method}"
        case {"bits": int(bits)}:
            return f"{bits} bits by {method}"
        case {"format": str(kind)}:
            return f"{kind} by {method}"
    return f"quantised by {method}"
