"""Loading weights with ``transformers``: all of them, and without progress bars."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, PreTrainedTokenizerBase
from transformers.utils import logging as untyped_logging

from nonplus.errors import BadModel, NonplusError
from nonplus.models.hf.inner import inner_model, is_quantized
from nonplus.models.loading import Loading
from nonplus.optional import require

_Auto: Any = AutoModelForCausalLM
_BitsAndBytes: Any = BitsAndBytesConfig
_logging: Any = untyped_logging

_DTYPES = ("float64", "float32", "bfloat16", "float16")
_QUANTIZED: dict[str, dict[str, Any]] = {
    "8bit": {"load_in_8bit": True},
    "4bit": {"load_in_4bit": True, "bnb_4bit_compute_dtype": torch.bfloat16},
}
# what transformers and its dependencies raise for a model that is missing, broken or
# unsupported
_REFUSALS = (AssertionError, ImportError, KeyError, OSError, RuntimeError, ValueError, SafetensorError)


def loaded_model(name: str, loading: Loading) -> nn.Module:
    """The model in evaluation mode, on its device.

    Raises:
        BadModel: it cannot be loaded, or some of its weights are missing.
        MissingExtra: the adapter needs ``peft``, which is not installed.
    """
    if loading.revision and os.path.isdir(name):
        raise BadModel(
            f"revision={loading.revision!r} is that of a model on the hub, and {name!r} is a folder; "
            f"omit revision={loading.revision!r}"
        )
    with (
        _quiet(),
        _refused(f"the model {name!r}", "give a folder with config.json and weights, or a name on the hub"),
    ):
        model, report = _Auto.from_pretrained(
            name,
            dtype=_dtype(loading.dtype),
            device_map=loading.device_map or _device(loading.device),
            revision=loading.revision or None,
            trust_remote_code=loading.trust_remote_code,
            quantization_config=_quantization(loading.quantization),
            ignore_mismatched_sizes=True,  # refused below, by name
            output_loading_info=True,
        )
    absent = sorted([*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])])
    if absent:
        raise BadModel(
            f"{len(absent)} weights of {type(model).__name__} are missing from {name!r} or have another shape, "
            f"{absent[0]} first, and random ones would take their place; open a causal model with all of its files"
        )
    if loading.dtype == "auto" and _is_float16_on_cpu(model):
        model = model.float()
    return (_adapted(model, loading.adapter) if loading.adapter else model).eval()


def loaded_tokenizer(name: str, loading: Loading) -> PreTrainedTokenizerBase:
    """The tokenizer saved beside the weights.

    Raises:
        BadModel: it cannot be loaded.
    """
    with _quiet(), _refused(f"the tokenizer of {name!r}", "save it beside the weights with tokenizer.save_pretrained"):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            name, revision=loading.revision or None, trust_remote_code=loading.trust_remote_code
        )
    return tokenizer


def _is_float16_on_cpu(model: nn.Module) -> bool:
    """Whether float32 would be faster and more exact with the same weights."""
    inner = inner_model(model)
    return inner.dtype == torch.float16 and inner.device.type == "cpu" and not is_quantized(inner)


def _adapted(model: nn.Module, adapter: str) -> nn.Module:
    peft = require("peft", purpose="an adapter")
    with _quiet(), _refused(f"the adapter {adapter!r}", "give a folder that save_pretrained wrote for this model"):
        # if an adapter does not fit, peft only warns, and the model runs without it
        warnings.filterwarnings("error", message=".*[Mm]issing adapter keys")
        try:
            adapted: nn.Module = peft.PeftModel.from_pretrained(model, adapter)
        except UserWarning as fault:
            raise ValueError(str(fault)) from None
    return adapted


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name


def _dtype(name: str) -> torch.dtype | str:
    if name == "auto":
        return "auto"
    if name not in _DTYPES:
        raise BadModel(f"dtype={name!r} is not one of {', '.join(_DTYPES)} or auto (as stored); use one of these")
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def _quantization(name: str) -> Any:
    if not name:
        return None
    if name not in _QUANTIZED:
        raise BadModel(
            f"quantization={name!r} is not one of {', '.join(_QUANTIZED)}; use one of these, or omit it if the model "
            "is stored quantised"
        )
    return _BitsAndBytes(**_QUANTIZED[name])


@contextmanager
def _refused(what: str, remedy: str) -> Iterator[None]:
    """Turns an error of the libraries below into a BadModel of one sentence."""
    try:
        yield
    except (NonplusError, torch.OutOfMemoryError):
        raise
    except _REFUSALS as fault:
        reason = str(fault).strip().partition("\n")[0].rstrip(".: ")
        raise BadModel(f"{what} cannot be opened: {reason}; {remedy}") from fault


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and reports of ``transformers`` inside; afterwards as before."""
    bars, verbosity = _logging.is_progress_bar_enabled(), _logging.get_verbosity()
    _logging.disable_progress_bar()
    _logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        _logging.set_verbosity(verbosity)
        if bars:
            _logging.enable_progress_bar()
