"""A digest of all that decides a model's scores: weights, configuration, adapters."""

import hashlib
import json
from typing import Any

from accelerate.utils import align_module_device
from torch import Tensor, nn
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from nonplus.models.hf.bitsandbytes_layers import is_four_bit, scales
from nonplus.models.hf.checksum import checksum
from nonplus.models.hf.inner import inner_model

# Settings about where a model came from. The dtype is recorded for each weight instead.
_ABOUT_ORIGIN = frozenset(
    (
        "name_or_path",
        "_name_or_path",
        "base_model_name_or_path",
        "transformers_version",
        "peft_version",
        "dtype",
        "torch_dtype",
    )
)


def identity(model: nn.Module, *, computed_in: str) -> str:
    """A digest that changes with any bit of any weight, with the configuration, the
    adapters, the attention kernel and the dtype of the products.

    The origin of the weights and their device make no difference.
    """
    inner = inner_model(model)
    adapters = getattr(model, "peft_config", {})
    recorded = {
        "class": type(inner).__name__,
        "config": _settings(inner.config.to_dict(), omit=_ABOUT_ORIGIN),
        "attention": inner.config._attn_implementation,
        "adapters": {name: _settings(a.to_dict(), omit=_ABOUT_ORIGIN) for name, a in adapters.items()},
        "computed in": computed_in,
        "weights": _weights(model),
    }
    return hashlib.sha256(json.dumps(recorded, sort_keys=True).encode()).hexdigest()


def _weights(model: nn.Module) -> dict[str, list[Any]]:
    """Dtype, shape and checksum of each tensor that is saved with the model."""
    recorded = {}
    for path, module in model.named_modules():
        with align_module_device(module):  # loads what is kept on another device or on disk
            for name, tensor in _saved(module).items():
                recorded[f"{path}.{name}".lstrip(".")] = _described(tensor)
    return recorded


def _saved(module: nn.Module) -> dict[str, Tensor]:
    """What a module itself is saved with, scales of quantised weights included."""
    saved: dict[str, Any] = {}
    if is_four_bit(module):
        saved = {**module._parameters, **scales(module)}  # not by saving it, which changes it
    else:
        module._save_to_state_dict(saved, "", keep_vars=True)
    return {name: value for name, value in saved.items() if isinstance(value, Tensor)}


def _described(tensor: Tensor) -> list[Any]:
    """Dtype, shape and checksum; of a tensor made of others, such as integers and their
    scale, how it is made, and each of them.
    """
    if not is_traceable_wrapper_subclass(tensor):
        return [str(tensor.dtype), list(tensor.shape), checksum(tensor)]
    names, layout = tensor.__tensor_flatten__()
    parts = {name: getattr(tensor, name) for name in names}
    return [type(tensor).__name__, str(layout), {name: _described(part) for name, part in parts.items()}]


def _settings(value: Any, *, omit: frozenset[str] = frozenset()) -> Any:
    """A configuration without the omitted keys, with sets in order."""
    match value:
        case dict():
            return {str(key): _settings(inner) for key, inner in value.items() if str(key) not in omit}
        case list() | tuple():
            return [_settings(inner) for inner in value]
        case set():
            return sorted(map(str, value))
        case bool() | int() | float() | None:
            return value
    return str(value)
