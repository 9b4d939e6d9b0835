"""The state of torch and of a model in which figures are computed; all of it is put
back afterwards.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn

from nonplus.kernels.exact_products import exact_products
from nonplus.models.hf.bitsandbytes_layers import is_four_bit
from nonplus.models.hf.inner import device_of, inner_model

Answer = TypeVar("Answer")

_BITSANDBYTES = logging.getLogger("bitsandbytes.autograd._functions")  # says at each product of 8 bits what it casts
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, without gradients, in the dtype of the weights.

    Autocast around it is switched off, and so are float32 products of fewer bits. Each
    module's own mode comes back afterwards.
    """
    modes = [(module, module.training) for module in model.modules()]
    for module, _ in modes:
        module.training = is_four_bit(module)  # which evaluation would change for good
    kind, level = device_of(inner_model(model)).type, _BITSANDBYTES.level
    _BITSANDBYTES.setLevel(logging.ERROR)
    try:
        # no_grad, because buffers filled in inference_mode cannot be trained on, and it
        # saves 1 % at most
        with (
            exact_products(),
            torch.autocast(kind, enabled=False),
            torch.autocast("cpu", enabled=False),
            torch.no_grad(),
        ):
            yield
    finally:
        _BITSANDBYTES.setLevel(level)
        for module, training in modes:
            module.training = training


def within_memory(step: Callable[[], Answer]) -> Answer:
    """What ``step`` returns.

    Raises:
        MemoryError: it ran out of memory, which is free again.
    """
    try:
        return step()
    except RuntimeError as fault:
        if not isinstance(fault, torch.OutOfMemoryError) and not any(sign in str(fault) for sign in _OUT_OF_MEMORY):
            raise
    # outside the handler, where nothing refers to the tensors of the frames that failed
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    raise MemoryError("the batch does not fit into the memory of the device; a smaller one may")
