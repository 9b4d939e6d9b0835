"""Weights of ``transformers`` brought into memory, without its progress bars and with all of them there."""

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
# what transformers and the libraries under it raise for a model that is not there, or not whole, or not for them
_REFUSALS = (AssertionError, ImportError, KeyError, OSError, RuntimeError, ValueError, SafetensorError)


def loaded_model(name: str, loading: Loading) -> nn.Module:
    """The model in evaluation mode, on its device.

    Raises:
        BadModel: it cannot be loaded, or not all of its weights are in the files.
        MissingExtra: ``peft`` is needed for the adapter.
    """
    with (
        _quiet(),
        _refused(f"the model {name!r}", "a model is a folder with config.json and weights, or a name on the hub"),
    ):
        model, report = _Auto.from_pretrained(
            name,
            dtype=_dtype(loading.dtype),
            device_map=loading.device_map or _device(loading.device),
            revision=loading.revision or None,
            trust_remote_code=loading.trust_remote_code,
            quantization_config=_quantization(loading.quantization),
            ignore_mismatched_sizes=True,  # they are refused below, by name
            output_loading_info=True,
        )
    absent = sorted([*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])])
    if absent:
        raise BadModel(
            f"{len(absent)} weights of {type(model).__name__} are not in {name!r} or of another shape, {absent[0]} "
            "first; random ones would take their place; open a causal model with all of its files"
        )
    if loading.dtype == "auto" and _is_float16_on_cpu(model):
        model = model.float()
    return (_adapted(model, loading.adapter) if loading.adapter else model).eval()


def loaded_tokenizer(name: str, loading: Loading) -> PreTrainedTokenizerBase:
    """The tokenizer that lies beside the weights.

    Raises:
        BadModel: there is none.
    """
    with _quiet(), _refused(f"the tokenizer of {name!r}", "save it beside the weights with tokenizer.save_pretrained"):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            name, revision=loading.revision or None, trust_remote_code=loading.trust_remote_code
        )
    return tokenizer


def _is_float16_on_cpu(model: nn.Module) -> bool:
    """Whether it would be slow and coarse for no reason: float32 holds the same weights."""
    inner = inner_model(model)
    return inner.dtype == torch.float16 and inner.device.type == "cpu" and not is_quantized(inner)


def _adapted(model: nn.Module, adapter: str) -> nn.Module:
    peft = require("peft", purpose="an adapter")
    with _quiet(), _refused(f"the adapter {adapter!r}", "give a folder that save_pretrained wrote for this model"):
        # with an adapter that does not fit, peft warns and goes on without it
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
        raise BadModel(f"a model runs in {', '.join(_DTYPES)} or auto, which is as it is stored, got {name!r}")
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def _quantization(name: str) -> Any:
    if not name:
        return None
    if name not in _QUANTIZED:
        raise BadModel(
            f"quantization is one of {', '.join(_QUANTIZED)}, got {name!r}; a model that is stored quantised needs none"
        )
    return _BitsAndBytes(**_QUANTIZED[name])


@contextmanager
def _refused(what: str, remedy: str) -> Iterator[None]:
    """Any way in which the libraries below say no, as one sentence."""
    try:
        yield
    except (NonplusError, torch.OutOfMemoryError):
        raise
    except _REFUSALS as fault:
        said = str(fault).strip().partition("\n")[0].rstrip(".: ")
        raise BadModel(f"{what} cannot be opened: {said}; {remedy}") from fault


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars and no reports of ``transformers`` inside; what the caller had set of them, afterwards."""
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
