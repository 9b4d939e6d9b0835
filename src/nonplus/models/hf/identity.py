"""What tells one model's answers from another's: a digest of its weights, its configuration and how it is run."""

import hashlib
import json
from typing import Any

import torch
from accelerate.utils import align_module_device
from torch import Tensor, nn

from nonplus.models.hf.inner import inner_model

_BLOCK = 1 << 20
# odd numbers in int64: 2**64 divided by the golden ratio, as Knuth has it for hashing, and one of splitmix64's
_MULTIPLIERS = -7046029254386353131, -7723592293110705685

# What a configuration says of where it came from; the number format is said of each weight.
_ABOUT_ITSELF = frozenset(
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


def identity(model: nn.Module) -> str:
    """A digest that changes with any bit of any weight, with the configuration, the adapters and the attention kernel.

    Where the weights came from and on which device they are makes no difference.
    """
    inner = inner_model(model)
    adapters = getattr(model, "peft_config", {})
    said = {
        "class": type(inner).__name__,
        "config": _settings(inner.config.to_dict(), leave_out=_ABOUT_ITSELF),
        "attention": inner.config._attn_implementation,
        "adapters": {name: _settings(a.to_dict(), leave_out=_ABOUT_ITSELF) for name, a in adapters.items()},
        "weights": _weights(model),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _weights(model: nn.Module) -> dict[str, list[Any]]:
    """Number format, shape and checksum of each tensor that is saved with the model."""
    saved = model.state_dict().keys()
    said = {}
    for path, module in model.named_modules():
        with align_module_device(module):  # brings in what waits on another device or on disk
            tensors = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
            for name, tensor in tensors:
                full = f"{path}.{name}".lstrip(".")
                if full in saved:
                    said[full] = [str(tensor.dtype), list(tensor.shape), _checksum(tensor.detach())]
    return said


def _checksum(tensor: Tensor) -> int:
    """Sum of the 8-byte words, each mixed with its place, modulo 2**64: the same on every device.

    The mixing can be undone, so no single word can change without the sum; and it is not linear, so that changes such
    as two flipped signs do not cancel. It reads several GB/s on one core.
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
    """The upper half of each word laid over its lower one; the mask makes the shift of a signed word a plain one."""
    return words ^ ((words >> 32) & 0xFFFFFFFF)


def _settings(value: Any, *, leave_out: frozenset[str] = frozenset()) -> Any:
    """A configuration without where it came from and who wrote it; sets in order."""
    match value:
        case dict():
            return {str(key): _settings(inner) for key, inner in value.items() if str(key) not in leave_out}
        case list() | tuple():
            return [_settings(inner) for inner in value]
        case set():
            return sorted(map(str, value))
        case bool() | int() | float() | None:
            return value
    return str(value)
