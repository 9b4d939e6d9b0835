"""Layers of bitsandbytes, which need more care than those of torch.

Four bits: in evaluation mode on a CPU with AVX512-BF16, such a layer rounds its scales
to bfloat16 and packs its weights in place. It can no longer be trained then, and saving
it unpacks it with other scales. So it is run as in training, which is faster, too.

Eight bits: an input channel with one value above ``llm_int8_threshold`` is multiplied
in float16 for all tokens of a pass, so that a figure depends on what shares the batch,
and on later tokens of its own text.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from nonplus.optional import require


def is_four_bit(module: nn.Module) -> bool:
    """Whether a module is a layer of four bits."""
    return _is(module, "Linear4bit")


def mixes_tokens(model: nn.Module) -> bool:
    """Whether layers of eight bits let the tokens of a pass change each other."""
    return any(state.threshold > 0 for state in _states_of_eight_bits(model))


@contextmanager
def unmixed(model: nn.Module) -> Iterator[None]:
    """Layers of eight bits multiply outliers like all else, so that a token changes
    another only where the model itself lets it.
    """
    states = _states_of_eight_bits(model)
    thresholds = [state.threshold for state in states]
    for state in states:
        state.threshold = 0.0
    try:
        yield
    finally:
        for state, threshold in zip(states, thresholds, strict=True):
            state.threshold = threshold


def _states_of_eight_bits(model: nn.Module) -> list[Any]:
    layers: list[Any] = [module for module in model.modules() if _is(module, "Linear8bitLt")]
    return [layer.state for layer in layers]


def scales(layer: Any) -> dict[str, Tensor]:
    """What a layer of four bits is saved with beside its weight and bias.

    Empty for one that is not quantised yet.
    """
    state = layer.weight.quant_state
    return {} if state is None else {f"weight.{name}": each for name, each in state.as_dict(packed=True).items()}


def _is(module: nn.Module, name: str) -> bool:
    if "bitsandbytes" not in sys.modules:  # then it is not, and importing it takes a while
        return False
    layers = require("bitsandbytes", purpose="a layer of bitsandbytes").nn
    return isinstance(module, getattr(layers, name))
