"""A checksum of a tensor, for which any change of a single word is another one."""

import sys

import torch
from torch import Tensor

from nonplus.kernels.native import checksum as native

_BLOCK = 1 << 20
# Odd numbers in int64: 2**64 divided by the golden ratio, which Knuth uses for hashing,
# and one from splitmix64.
_MULTIPLIERS = -7046029254386353131, -7723592293110705685


def checksum(tensor: Tensor) -> int:
    """Sum of the 8-byte words, each mixed with its index, modulo 2**64.

    It is the same on every device. The mixing is invertible, so that a change of any
    single word changes the sum, and it is not linear, so that changes such as two
    flipped signs do not cancel. In C, one core reads several GB a second.
    """
    bytes_ = tensor.detach().as_subclass(Tensor).contiguous().flatten().view(torch.uint8)
    if bytes_.device.type == "cpu" and sys.byteorder == "little" and native.functions() is not None:
        return native.checksum(bytes_.data_ptr(), len(bytes_))
    return int(_sum_of_words(bytes_))


def _sum_of_words(bytes_: Tensor) -> Tensor:
    words = torch.nn.functional.pad(bytes_, (0, -len(bytes_) % 8)).view(torch.int64)
    odd = (2 * torch.arange(min(_BLOCK, len(words)), device=words.device) + 1) * _MULTIPLIERS[0]
    total = torch.zeros((), dtype=torch.int64, device=words.device)
    for start in range(0, len(words), _BLOCK):
        block = words[start : start + _BLOCK]
        mixed = _folded(_folded(block) * odd[: len(block)]) * _MULTIPLIERS[1]
        total = 31 * total + _folded(mixed).sum()
    return total


def _folded(words: Tensor) -> Tensor:
    """Each word XORed with its upper half; the mask makes the signed shift logical."""
    return words ^ ((words >> 32) & 0xFFFFFFFF)
