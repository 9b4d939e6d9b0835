"""The settings of torch under which products of float32 keep all their bits."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import torch

# The settings are those of the process: the first thread to come in changes them, and
# the last to go puts them back.
_lock = Lock()
_inside = 0
_before: tuple[str, ...] = ()


@contextmanager
def exact_products() -> Iterator[None]:
    """Products of float32 in float32; afterwards the settings are as they were.

    Otherwise torch may use fewer bits: TF32 on a GPU, in convolutions, such as Mamba's,
    by default; bfloat16 on some CPUs. Several threads may be inside.
    """
    global _inside, _before
    with _lock:
        if not _inside:
            _before = tuple(each.fp32_precision for each in _settings())
            for each in _settings():
                each.fp32_precision = "ieee"
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                for each, precision in zip(_settings(), _before, strict=True):
                    each.fp32_precision = precision


def _settings() -> tuple[Any, ...]:
    # Any, because mypy finds only a part of these names
    cudnn: Any = torch.backends.cudnn
    mkldnn: Any = torch.backends.mkldnn
    return torch.backends.cuda.matmul, cudnn.conv, mkldnn.matmul, mkldnn.conv
