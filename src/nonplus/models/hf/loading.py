"""Loading weights with ``transformers``: all of them, and without progress bars."""

import io
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import logging as untyped_logging

from nonplus.errors import BadModel
from nonplus.models.devices import devices, first_device
from nonplus.models.hf import quantization
from nonplus.models.hf.evaluating import evaluating
from nonplus.models.hf.inner import inner_model, is_quantized
from nonplus.models.hf.kinds import CAUSAL, ENCODER_DECODER, Kind, check_kind
from nonplus.models.hf.logits import run
from nonplus.models.hf.refusals import refused
from nonplus.models.hf.self_check import probe_ids
from nonplus.models.loading import Loading
from nonplus.optional import require

_Config: Any = AutoConfig
_logging: Any = untyped_logging

_DTYPES = ("float64", "float32", "bfloat16", "float16")
_TALKATIVE = ("huggingface_hub", "bitsandbytes")

# How transformers may spread a model over devices.
_MAPS = ("auto", "balanced", "balanced_low_0", "sequential")


def loaded_model(name: str, loading: Loading, *, kind: Kind = CAUSAL, here: bool = False) -> nn.Module:
    """The model in evaluation mode, on its device; ``here`` leaves the network alone.

    Raises:
        BadModel: it cannot be loaded, or is of another kind, or some of its weights are
            missing.
        MissingExtra: an adapter or quantised weights need a package that is not
            installed.
    """
    if loading.revision and os.path.isdir(name):
        raise BadModel(
            f"revision={loading.revision!r} is that of a model on the hub, and {name!r} is a folder; "
            f"omit revision={loading.revision!r}"
        )
    files = _files(loading, here)
    with (
        quiet(),
        refused(f"the model {name!r}", name, "give a folder with config.json and weights, or a name on the hub"),
    ):
        config = _Config.from_pretrained(name, **files)
        check_kind(config, kind, name)
        quantization.check(loading.quantization, stored=getattr(config, "quantization_config", None))
        source = {**files, **quantization.while_loading(loading.quantization, dtype=_dtype(loading.dtype))}
        model = complete(name, loading, source, kind=kind)
        if is_quantized(inner_model(model)):  # some unpack their weights at the first pass, with a progress bar
            with evaluating(model):
                _run_once(model, kind)
    if loading.dtype == "auto" and _is_float16_on_cpu(model):
        model = model.float()
    return (adapted(model, loading.adapter) if loading.adapter else model).eval()


def _run_once(model: nn.Module, kind: Kind) -> None:
    fed_1T = probe_ids(model, 2)[None]
    if kind is ENCODER_DECODER:
        model(input_ids=fed_1T, labels=fed_1T)
    else:
        run(model, fed_1T, None)


def complete(name: str, loading: Loading, source: Mapping[str, Any], *, kind: Kind = CAUSAL) -> nn.Module:
    """A model with all of its weights, in its dtype and on its device.

    ``source`` is what transformers has to know about the files.

    Raises:
        BadModel: some of its weights are missing.
    """
    model, report = kind.auto.from_pretrained(
        name,
        dtype=_dtype(loading.dtype),
        device_map=_placed(loading.device_map) if loading.device_map else _device(loading.device),
        ignore_mismatched_sizes=True,  # refused below, by name
        output_loading_info=True,
        **source,
    )
    absent = sorted([*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])])
    if absent:
        file = source.get("gguf_file", name)
        raise BadModel(
            f"{len(absent)} weights of {type(model).__name__} are missing from {file!r} or have another shape, "
            f"{absent[0]} first, and random ones would take their place; open a {kind.name} model with all of its files"
        )
    complete_model: nn.Module = model
    return complete_model


def loaded_tokenizer(name: str, loading: Loading, *, here: bool = False) -> PreTrainedTokenizerBase:
    """The tokenizer saved beside the weights; ``here`` leaves the network alone.

    Raises:
        BadModel: it cannot be loaded.
    """
    remedy = "save it beside the weights with tokenizer.save_pretrained"
    with quiet(), refused(f"the tokenizer of {name!r}", name, remedy):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(name, **_files(loading, here))
    return tokenizer


def _files(loading: Loading, here: bool) -> dict[str, Any]:
    """Which files, and whether code among them may run."""
    return {
        "revision": loading.revision or None,
        "trust_remote_code": loading.trust_remote_code,
        "local_files_only": here,
    }


def _is_float16_on_cpu(model: nn.Module) -> bool:
    """Whether float32 would be faster and more exact with the same weights."""
    inner = inner_model(model)
    return inner.dtype == torch.float16 and inner.device.type == "cpu" and not is_quantized(inner)


def adapted(model: nn.Module, adapter: str) -> nn.Module:
    """``model`` with the adapter of a folder or of the hub.

    Raises:
        BadModel: it cannot be opened, or does not fit.
        MissingExtra: it needs ``peft``, which is not installed.
    """
    with quiet():
        peft = require("peft", purpose="an adapter")
    with (
        quiet(),
        refused(f"the adapter {adapter!r}", adapter, "give a folder that save_pretrained wrote for this model"),
    ):
        # if an adapter does not fit, peft only warns, and the model runs without it
        warnings.filterwarnings("error", message=".*[Mm]issing adapter keys")
        try:
            adapted: nn.Module = peft.PeftModel.from_pretrained(model, adapter)
        except UserWarning as fault:
            raise ValueError(str(fault)) from None
    return adapted


def _device(name: str) -> str:
    """The name of a device that torch can use.

    Raises:
        BadModel: there is no such device here.
    """
    if name == "auto":
        return first_device()
    found = [device.name for device in devices()]
    kind, _, number = name.partition(":")
    other = torch.accelerator.current_accelerator(check_available=True)
    listed = name in found or (not number and f"{kind}:0" in found)
    if kind == "cpu" or listed or (other is not None and kind == other.type not in ("cuda", "mps")):
        return name
    raise BadModel(
        f"device={name!r} is not one that torch finds here{_without_cuda() if kind == 'cuda' else ''}; "
        f"use device={found[-1]}, or device=auto; nonplus doctor lists the devices"
    )


def _without_cuda() -> str:
    if torch.version.cuda is None:
        return ", because this torch is built without CUDA"
    return "" if torch.cuda.is_available() else ", because there is no driver of NVIDIA, or no GPU"


def _placed(device_map: str) -> str:
    """A way to spread a model, or one device.

    Raises:
        BadModel: it is neither.
    """
    if device_map in _MAPS:
        return device_map
    try:
        return _device(device_map)
    except BadModel:
        raise BadModel(
            f"device_map={device_map} is neither a way to spread a model nor a device that torch finds here; use "
            f"one of {', '.join(_MAPS)}"
        ) from None


def _dtype(name: str) -> torch.dtype | str:
    if name == "auto":
        return "auto"
    if name not in _DTYPES:
        raise BadModel(f"dtype={name!r} is not one of {', '.join(_DTYPES)} or auto (as stored); use one of these")
    dtype: torch.dtype = getattr(torch, name)
    return dtype


@contextmanager
def quiet() -> Iterator[None]:
    """Without progress bars and reports of ``transformers`` and what it imports."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    bars, verbosity = _logging.is_progress_bar_enabled(), _logging.get_verbosity()
    _logging.disable_progress_bar()
    _logging.set_verbosity_error()
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):  # packages for quantised weights have own bars
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        _logging.set_verbosity(verbosity)
        if bars:
            _logging.enable_progress_bar()
