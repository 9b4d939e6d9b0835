"""The settings of torch under which products of float32 keep all their bits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def exact_products() -> Iterator[None]:
    """Products of float32 in float32; afterwards the settings are as they were.

    Otherwise torch may use fewer bits: TF32 on a GPU, in convolutions, such as Mamba's,
    by default; bfloat16 on some CPUs.
    """
    # Any, because mypy finds only a part of these names
    cudnn: Any = torch.backends.cudnn
    mkldnn: Any = torch.backends.mkldnn
    settings: tuple[Any, ...] = (torch.backends.cuda.matmul, cudnn.conv, mkldnn.matmul, mkldnn.conv)
    before = [each.fp32_precision for each in settings]
    for each in settings:
        each.fp32_precision = "ieee"
    try:
        yield
    finally:
        for each, precision in zip(settings, before, strict=True):
            each.fp32_precision = precision
