"""From hidden states to log-probabilities in torch, a few places at a time and in place.

Letters in shapes: N places asked for, H channels of a hidden state, V vocabulary, k alternatives, M places at once.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from nonplus.kernels.backends.torch import log_sum_exp, nll
from nonplus.kernels.chunks import chunks
from nonplus.measure.records import Floats, Readings

# Which of the places, and their logits (M, V), which whoever reads them may overwrite.
Logits = tuple[slice | Tensor, Tensor]

# What is worth multiplying at once on a CPU. One thread, float32, H=512, V=128,256: 512 places take 0.87 s by 64 rows,
# 0.74 by 128, 0.66 by 256, 0.67 by 512; with a small vocabulary, more rows only leave the cache.
_CPU_ROWS = 256

# What is worth exponentiating at once: on a CPU, what stays in the cache (0.79 ns a logit instead of 1.04).
_CPU_BLOCK_BYTES = 4 << 20  # for each thread
_DEVICE_BLOCK_BYTES = 64 << 20  # not measured: about the cache of a large GPU


def head_logprobs(
    hidden_NH: Tensor, weight_VH: Tensor, bias_V: Tensor | None, target_N: Tensor, *, cap_bytes: int
) -> Floats:
    """Natural log-probability of each target, shape (N,), without ever holding more than ``cap_bytes`` of logits."""
    return logprobs(head_logits(hidden_NH, weight_VH, bias_V, cap_bytes=cap_bytes), target_N)


def head_readings(
    hidden_NH: Tensor, weight_VH: Tensor, bias_V: Tensor | None, target_N: Tensor, *, top: int, cap_bytes: int
) -> Readings:
    """The same answers with the rest of the distribution summed up beside them, from the same pass."""
    return readings(head_logits(hidden_NH, weight_VH, bias_V, cap_bytes=cap_bytes), target_N, top=top)


def head_logits(hidden_NH: Tensor, weight_VH: Tensor, bias_V: Tensor | None, *, cap_bytes: int) -> Iterator[Logits]:
    """The logits of all places in the body's number format, a chunk at a time, each written over the one before it."""
    n, v = len(hidden_NH), len(weight_VH)
    step = chunk_rows(n, v, like=hidden_NH, cap_bytes=cap_bytes)
    room_MV = torch.empty((step, v), dtype=hidden_NH.dtype, device=hidden_NH.device)
    for part in chunks(n, step):
        logits_MV = torch.mm(hidden_NH[part], weight_VH.t(), out=room_MV[: part.stop - part.start])
        yield part, logits_MV if bias_V is None else logits_MV.add_(bias_V)


def chunk_rows(n: int, vocabulary: int, *, like: Tensor, cap_bytes: int) -> int:
    """How many of ``n`` places to multiply at once, their logits in the format of ``like`` and under ``cap_bytes``."""
    most = _CPU_ROWS if like.device.type == "cpu" else n
    return max(1, min(n, most, cap_bytes // (vocabulary * like.element_size())))


def logprobs(parts: Iterable[Logits], target_N: Tensor) -> Floats:
    """Natural log-probability of each target, shape (N,), from logits as they come."""
    nats_N = torch.empty(0)
    for part, logits_MV in parts:
        target_M = target_N[part].to(logits_MV.device)
        nats_M = nll(logits_MV, target_M, _kept(target_M), "logits")
        if not len(nats_N):
            nats_N = nats_M.new_empty(len(target_N))
        nats_N[part] = nats_M  # into one tensor, which comes to the host once, so that no device waits
    answer_N: Floats = 0.0 - nats_N.cpu().numpy().astype(np.float64)
    return answer_N


def readings(parts: Iterable[Logits], target_N: Tensor, *, top: int) -> Readings:
    """What the whole distribution says about each target, from logits as they come."""
    columns = _collected(parts, target_N, lambda logits, target: _read(logits, target, top))
    total_N, chosen_N, entropy_N, rank_N = columns[:, :4].T
    ids_Nk, top_Nk = np.split(columns[:, 4:], 2, axis=1)
    return Readings(
        nats=np.maximum(total_N - chosen_N, 0.0),
        entropy=entropy_N,
        rank=rank_N.astype(np.int64),
        top_ids=ids_Nk.astype(np.int64),
        top_nats=total_N[:, None] - top_Nk,
    )


def logits_logprobs(logits_NV: Tensor, target_N: Tensor) -> Floats:
    """Natural log-probability of each target, shape (N,), from all logits at once.

    The exponentials are summed in float32, those of float64 logits in float64; the rest is float64.
    """
    return logprobs([(slice(None), logits_NV)], target_N)


def logits_readings(logits_NV: Tensor, target_N: Tensor, *, top: int) -> Readings:
    """What the whole distribution says about each target, from all logits at once, which are overwritten."""
    return readings([(slice(None), logits_NV)], target_N, top=top)


def _collected(parts: Iterable[Logits], target_N: Tensor, read: Callable[[Tensor, Tensor], Tensor]) -> Floats:
    """What ``read`` says of each place, shape (N, columns): brought to the host once, so that no device waits.

    It is given logits in float32, or float64 if they are, of as many places as go well together.
    """
    place_N = torch.arange(len(target_N), device=target_N.device)
    columns_NC = torch.empty(0)
    for part, logits_MV in parts:
        place_M, target_M1 = (each[part].to(logits_MV.device) for each in (place_N, target_N[:, None]))
        wide = torch.float64 if logits_MV.dtype == torch.float64 else torch.float32
        for rows in chunks(len(logits_MV), _block(logits_MV, wide)):
            answer = read(logits_MV[rows].to(wide), target_M1[rows])
            if not len(columns_NC):
                columns_NC = answer.new_empty((len(target_N), answer.shape[1]))
            # into one tensor: kept one by one, answers would lie between the blocks and keep their memory from reuse
            columns_NC[place_M[rows]] = answer
    collected: Floats = columns_NC.cpu().numpy().astype(np.float64)
    return collected


def _block(logits_MV: Tensor, wide: torch.dtype) -> int:
    on_cpu = logits_MV.device.type == "cpu"
    room = _CPU_BLOCK_BYTES * torch.get_num_threads() if on_cpu else _DEVICE_BLOCK_BYTES
    return max(1, room // (logits_MV.shape[1] * wide.itemsize))


def _read(logits_MV: Tensor, target_M1: Tensor, top: int) -> Tensor:
    """Columns: log-sum-exp, the target's logit, entropy, rank, the ids of the largest, these.

    The logits are overwritten. Ids are exact as float32 up to 16,777,216.
    """
    chosen_M1 = logits_MV.gather(1, target_M1)
    total_M1 = log_sum_exp(logits_MV, _kept(target_M1[:, 0]))[:, None]
    # counted as numbers, because adding up booleans takes eight times as long
    rank_M1 = 1 + torch.gt(logits_MV, chosen_M1, out=torch.empty_like(logits_MV)).sum(1, keepdim=True)
    top_Mk, ids_Mk = _largest(logits_MV, top)
    exp_MV = logits_MV.sub_(logits_MV.amax(1, keepdim=True)).exp_()
    sum_M1 = exp_MV.sum(1, keepdim=True)
    spread_M1 = torch.special.entr(exp_MV, out=exp_MV).sum(1, keepdim=True)
    entropy_M1 = sum_M1.log() + spread_M1 / sum_M1
    return torch.cat([total_M1, chosen_M1, entropy_M1, rank_M1, ids_Mk.to(chosen_M1), top_Mk], dim=1)


def _kept(target_M: Tensor) -> Tensor:
    return torch.ones_like(target_M, dtype=torch.bool)


def _largest(logits_MV: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` largest of each row and their ids, the largest first and equal ones by id; shapes (M, k)."""
    ids_Mk = logits_MV.topk(min(k, logits_MV.shape[1]), dim=1).indices.sort(dim=1).values
    top_Mk, order_Mk = logits_MV.gather(1, ids_Mk).sort(dim=1, descending=True, stable=True)
    return top_Mk, ids_Mk.gather(1, order_Mk)
