"""From hidden states to log-probabilities in torch, a few places at a time and in place.

Letters in shapes: N places asked for, H channels of a hidden state, V vocabulary, M places of a chunk.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nonplus.kernels.backends.torch import log_sum_exp, nll
from nonplus.kernels.chunks import chunks
from nonplus.measure.records import Floats

# What is worth multiplying at once on a CPU. One thread, float32, H=512, V=128,256: 512 places take 0.87 s by 64 rows,
# 0.74 by 128, 0.66 by 256, 0.67 by 512; with a small vocabulary, more rows only leave the cache.
_CPU_ROWS = 256

# Log-probabilities handed over at once: on a CPU, what stays in the cache while it is computed and read.
_CPU_BLOCK_BYTES = 4 << 20  # for each thread
_DEVICE_BLOCK_BYTES = 64 << 20  # not measured: about the cache of a large GPU


def head_logits(hidden_NH: Tensor, weight_VH: Tensor, bias_V: Tensor | None, *, cap_bytes: int) -> Iterator[Tensor]:
    """The logits of all places in the body's dtype, as chunks (M, V) of at most ``cap_bytes`` in their order.

    The next chunk overwrites the one before it.
    """
    n, v = len(hidden_NH), len(weight_VH)
    step = chunk_rows(n, v, like=hidden_NH, cap_bytes=cap_bytes)
    room_MV = torch.empty((step, v), dtype=hidden_NH.dtype, device=hidden_NH.device)
    for places in chunks(n, step):
        logits_MV = torch.mm(hidden_NH[places], weight_VH.t(), out=room_MV[: places.stop - places.start])
        yield logits_MV if bias_V is None else logits_MV.add_(bias_V)


def chunk_rows(n: int, vocabulary: int, *, like: Tensor, cap_bytes: int) -> int:
    """How many of ``n`` places to multiply at once, their logits in the dtype of ``like`` and under ``cap_bytes``."""
    most = _CPU_ROWS if like.device.type == "cpu" else n
    return max(1, min(n, most, cap_bytes // (vocabulary * like.element_size())))


def logprobs(logits: Iterable[Tensor], target_N: Tensor) -> Floats:
    """Natural log-probability of each target, shape (N,), from chunks of logits (M, V) in the order of the targets."""
    nats_N = torch.empty(0)
    start = 0
    for logits_MV in logits:
        target_M = target_N[start : start + len(logits_MV)].to(logits_MV.device)
        nats_M = nll(logits_MV, target_M, torch.ones_like(target_M, dtype=torch.bool), "logits")
        if not len(nats_N):
            nats_N = nats_M.new_empty(len(target_N))
        nats_N[start : start + len(nats_M)] = nats_M  # into one tensor, copied to the CPU once: no device waits
        start += len(nats_M)
    logprob_N: Floats = 0.0 - nats_N.cpu().numpy().astype(np.float64)
    return logprob_N


def distributions(logits: Iterable[Tensor]) -> Iterator[NDArray[np.floating[Any]]]:
    """Log-probabilities from chunks of logits, which are overwritten: chunks (M, V) in their order, as NumPy.

    They are float32, or float64 where the logits are. Each shares its memory with the logits where these are on a CPU
    and in that dtype. A row without a distribution becomes NaN.
    """
    for logits_MV in logits:
        wide = torch.float64 if logits_MV.dtype == torch.float64 else torch.float32
        for rows in chunks(len(logits_MV), _block_rows(logits_MV, wide)):
            yield _logits_to_logprobs(logits_MV[rows].to(wide)).cpu().numpy()


def _block_rows(logits_MV: Tensor, wide: torch.dtype) -> int:
    on_cpu = logits_MV.device.type == "cpu"
    room = _CPU_BLOCK_BYTES * torch.get_num_threads() if on_cpu else _DEVICE_BLOCK_BYTES
    return max(1, room // (logits_MV.shape[1] * wide.itemsize))


def _logits_to_logprobs(logits_MV: Tensor) -> Tensor:
    """In place, and in two steps of one sign: the difference of two large float32 would lose small surprisals."""
    total_M1 = log_sum_exp(logits_MV, torch.ones(len(logits_MV), dtype=torch.bool, device=logits_MV.device))[:, None]
    most_M1 = logits_MV.amax(1, keepdim=True)
    return logits_MV.sub_(most_M1).sub_((total_M1 - most_M1).to(logits_MV.dtype))
