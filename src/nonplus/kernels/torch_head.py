"""From hidden states to log-probabilities in torch, chunk by chunk and in place.

Letters in shapes: N positions, M positions of a chunk, H channels of a hidden state,
V vocabulary.
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

# Positions to multiply at once on a CPU. One thread, float32, H=512, V=128,256: 512
# positions take 0.87 s by 64 rows, 0.74 by 128, 0.66 by 256, 0.67 by 512; with a small
# vocabulary, more rows only leave the cache.
_CPU_ROWS = 256

# Log-probabilities in a chunk: on a CPU, what stays in the cache until it is read.
_CPU_BLOCK_BYTES = 4 << 20  # for each thread
_DEVICE_BLOCK_BYTES = 64 << 20  # not measured: about the cache of a large GPU


def head_logits(hidden_NH: Tensor, weight_VH: Tensor, bias_V: Tensor | None, *, cap_bytes: int) -> Iterator[Tensor]:
    """Logits in the body's dtype, as chunks (M, V) of at most ``cap_bytes``.

    The next chunk overwrites the one before it.
    """
    n, v = len(hidden_NH), len(weight_VH)
    step = chunk_rows(n, v, like=hidden_NH, cap_bytes=cap_bytes)
    room_MV = torch.empty((step, v), dtype=hidden_NH.dtype, device=hidden_NH.device)
    for part in chunks(n, step):
        logits_MV = torch.mm(hidden_NH[part], weight_VH.t(), out=room_MV[: part.stop - part.start])
        yield logits_MV if bias_V is None else logits_MV.add_(bias_V)


def chunk_rows(n: int, vocabulary: int, *, like: Tensor, cap_bytes: int) -> int:
    """How many of ``n`` positions to multiply at once.

    Their logits, in the dtype of ``like``, take at most ``cap_bytes``.
    """
    most = _CPU_ROWS if like.device.type == "cpu" else n
    return max(1, min(n, most, cap_bytes // (vocabulary * like.element_size())))


def logprobs(logits: Iterable[Tensor], target_N: Tensor) -> Floats:
    """Natural log-probability of each target, shape (N,).

    ``logits`` are chunks (M, V) in the order of the targets.
    """
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
    """Log-probabilities as NumPy arrays (M, V), in the order of ``logits``.

    They are float32, or float64 if the logits are. On a CPU, logits of that dtype are
    overwritten rather than copied. A row that defines no distribution becomes NaN.
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
    """In place. Two steps, because a difference of two large float32 numbers would lose
    the surprisal of an almost certain token.
    """
    total_M1 = log_sum_exp(logits_MV, torch.ones(len(logits_MV), dtype=torch.bool, device=logits_MV.device))[:, None]
    most_M1 = logits_MV.amax(1, keepdim=True)
    return logits_MV.sub_(most_M1).sub_((total_M1 - most_M1).to(logits_MV.dtype))
