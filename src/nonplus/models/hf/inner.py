"""The model of ``transformers`` inside its wrappers, and questions about it."""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from nonplus.errors import BadModel


def inner_model(model: nn.Module) -> PreTrainedModel:
    """The model of ``transformers`` inside its wrappers, such as adapters, compilation
    and data parallelism.

    Raises:
        BadModel: there is no such model inside, or it is an encoder-decoder.
    """
    inner = next((module for module in model.modules() if isinstance(module, PreTrainedModel)), None)
    if inner is None:
        raise BadModel(
            f"a {type(model).__name__} holds no model of transformers; pass one, or write a class with the methods of "
            "WindowModel in nonplus.measure.interfaces"
        )
    if inner.config.is_encoder_decoder:
        raise BadModel(
            f"{type(inner).__name__} is an encoder-decoder model, and only causal models can be scored here; "
            "open one such as gpt2"
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
