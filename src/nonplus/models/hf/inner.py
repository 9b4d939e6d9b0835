"""The model of ``transformers`` inside its wrappers, and questions about it."""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from nonplus.errors import BadModel

_CPU_BUDGET = 1024  # 512 to 4,096 tokens are equally fast within 5 %; fewer leave more of the cache
_DEVICE_BUDGET = 16384


def inner_model(model: nn.Module) -> PreTrainedModel:
    """The model of ``transformers`` inside its wrappers, such as adapters, compilation
    and data parallelism.

    Raises:
        BadModel: there is no such model inside.
    """
    inner = next((module for module in model.modules() if isinstance(module, PreTrainedModel)), None)
    if inner is None:
        raise BadModel(
            f"a {type(model).__name__} holds no model of transformers; pass one, or write a class with the methods of "
            "WindowModel in nonplus.measure.interfaces"
        )
    return inner


def is_quantized(inner: PreTrainedModel) -> bool:
    """Whether its weights are quantised by a method of ``transformers``."""
    return getattr(inner.config, "quantization_config", None) is not None


def device_of(inner: PreTrainedModel) -> torch.device:
    """The device of its input; accelerate moves it on to weights kept elsewhere."""
    return torch.device("cpu") if inner.device.type == "meta" else inner.device


def n_embedded(inner: Any) -> int:
    """The number of ids that have an input embedding."""
    return int(inner.get_input_embeddings().weight.shape[0])


def usual_budget(inner: PreTrainedModel) -> int:
    """Tokens of a batch that keep its device busy."""
    return _CPU_BUDGET if device_of(inner).type == "cpu" else _DEVICE_BUDGET
