"""The model of ``transformers`` inside whatever wraps it, and what it says of itself."""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from nonplus.errors import BadModel


def inner_model(model: nn.Module) -> PreTrainedModel:
    """The model of ``transformers`` inside whatever wraps it: adapters, compilation, data parallelism.

    Raises:
        BadModel: there is none, or it does not continue a text.
    """
    inner = next((module for module in model.modules() if isinstance(module, PreTrainedModel)), None)
    if inner is None:
        raise BadModel(
            f"a {type(model).__name__} holds no model of transformers; give one, or write a class with the methods of "
            "nonplus.measure.interfaces.WindowModel"
        )
    if inner.config.is_encoder_decoder:
        raise BadModel(
            f"{type(inner).__name__} is an encoder-decoder, which reads one text and writes another; "
            "a model that continues a text is needed, such as gpt2"
        )
    return inner


def is_quantized(inner: PreTrainedModel) -> bool:
    """Whether its weights are stored as small integers, by a method that ``transformers`` knows."""
    return getattr(inner.config, "quantization_config", None) is not None


def device_of(inner: PreTrainedModel) -> torch.device:
    """Where its input goes; where weights wait elsewhere until they are needed, accelerate moves it on."""
    return torch.device("cpu") if inner.device.type == "meta" else inner.device


def ids_known(inner: Any) -> int:
    """How many ids can be fed."""
    return int(inner.get_input_embeddings().weight.shape[0])
