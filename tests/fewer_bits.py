"""A setting of torch under which tests look for the bits that float32 loses."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def fewer_bits(precision: str) -> Iterator[None]:
    """TF32 in place of float32 on a GPU; with ``medium``, bfloat16 on some CPUs."""
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")
