"""A digest of all that decides a model's scores: weights, configuration, adapters."""

import hashlib
import json
from typing import Any

import torch
from accelerate.utils import align_module_device
from torch import Tensor, nn

from nonplus.models.hf.inner import inner_model

_BLOCK = 1 << 20
# Odd numbers in int64: 2**64 divided by the golden ratio, which Knuth uses for hashing,
# and one from splitmix64.
_MULTIPLIERS = -7046029254386353131, -7723592293110705685

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
    saved = model.state_dict().keys()
    recorded = {}
    for path, module in model.named_modules():
        with align_module_device(module):  # loads what is kept on another device or on disk
            tensors = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
            for name, tensor in tensors:
                full = f"{path}.{name}".lstrip(".")
                if full in saved:
                    recorded[full] = [str(tensor.dtype), list(tensor.shape), _checksum(tensor.detach())]
    return recorded


def _checksum(tensor: Tensor) -> int:
    """Sum of the 8-byte words, each mixed with its index, modulo 2**64.

    It is the same on every device. The mixing is invertible, so that a change of any
    single word changes the sum, and it is not linear, so that changes such as two
    flipped signs do not cancel. It reads several GB/s on one core.
    """
    bytes_ = tensor.contiguous().flatten().view(torch.uint8)
    words = nn.functional.pad(bytes_, (0, -len(bytes_) % 8)).view(torch.int64)
    odd = (2 * torch.arange(min(_BLOCK, len(words)), device=words.device) + 1) * _MULTIPLIERS[0]
    total = torch.zeros((), dtype=torch.int64, device=words.device)
    for start in range(0, len(words), _BLOCK):
        block = words[start : start + _BLOCK]
        mixed = _folded(_folded(block) * odd[: len(block)]) * _MULTIPLIERS[1]
        total = 31 * total + _folded(mixed).sum()
    return int(total)


def _folded(words: Tensor) -> Tensor:
    """Each word XORed with its upper half; the mask makes the signed shift logical."""
    return words ^ ((words >> 32) & 0xFFFFFFFF)


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
