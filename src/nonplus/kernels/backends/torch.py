"""Surprisals from torch tensors, on whatever device they are.

Letters in shapes: N rows, M rows at once, V vocabulary.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nonplus.errors import BadInput
from nonplus.kernels import native
from nonplus.kernels.backends import DUST, ROUNDING, Head
from nonplus.kernels.chunks import chunks

xp = torch

# Logits in floating point at once, where the C kernel does not do it: on a CPU what stays in the cache.
_BLOCK_BYTES = {"cpu": 4 << 20}
_DEVICE_BLOCK_BYTES = 256 << 20  # not measured

# A piece of a head's logits: this many rows of the hidden states, and of the vocabulary what then fits.
_HEAD_ROWS = 4096
_HEAD_BYTES = 32 << 20


def scores(x: Tensor) -> Tensor:
    """``x`` without its history, as floating point."""
    if x.is_complex() or x.dtype == torch.bool:
        raise BadInput(f"scores are numbers, got a tensor of {x.dtype}")
    x = x.detach().resolve_neg()  # a lazy minus sign is not in memory yet
    return x if x.is_floating_point() else x.double()


def integers(values: Any, *, like: Tensor) -> Tensor:
    """Token ids, or a mask, on the device of ``like``."""
    tensor = torch.as_tensor(values, device=like.device).detach()
    if tensor.is_floating_point() and not torch.equal(tensor, tensor.floor()):
        raise BadInput(f"token ids and masks are whole numbers, got {tensor.dtype}")
    return tensor.long()


def concrete(values: Tensor) -> NDArray[Any] | None:
    """The values on the host; formats that NumPy does not know, such as bfloat16, as float32."""
    host = values.detach().cpu()
    known = not host.is_floating_point() or host.dtype in (torch.float16, torch.float32, torch.float64)
    return np.asarray(host if known else host.float())


def given(nats: Tensor, kept: Tensor) -> Tensor:
    """Surprisals as they came, zero where not kept and not a number where they are negative."""
    return torch.where(kept, _no_less_than_zero(nats.to(_precise(nats))), 0.0)


def nll(scores: Tensor, target: Tensor, kept: Tensor, kind: str) -> Tensor:
    """Surprisals, shape of ``target``; zero where not kept."""
    precise = _precise(scores)
    chosen = scores.gather(-1, torch.where(kept, target, 0)[..., None])[..., 0].to(precise)
    if kind == "logprobs":
        nats = _no_less_than_zero(0 - chosen)
    elif kind == "probs":
        sums = scores.sum(-1, dtype=precise)
        nats = torch.where(
            (scores.amin(-1) >= -DUST) & sums.isfinite(), sums.log() - chosen.clamp(min=0).log(), torch.nan
        )
    else:
        nats = (log_sum_exp(scores, kept) - chosen).clamp(min=0)
    return torch.where(kept, nats, 0.0)


def _no_less_than_zero(nats: Tensor) -> Tensor:
    return torch.where(nats > -ROUNDING, nats.clamp(min=0), torch.nan)


def log_sum_exp(scores: Tensor, kept: Tensor) -> Tensor:
    """Log of the sum of the exponentials over the last axis; not a number where not kept, or where none is possible."""
    level = torch.full(kept.shape, -torch.inf, dtype=_precise(scores), device=scores.device)
    total = torch.zeros_like(level)
    for part, scores_NV in row_views(scores):
        bring_forward(scores_NV, kept[part].reshape(-1), level[part].view(-1), total[part].view(-1))
    return torch.where(total > 0, level + total.log(), torch.nan)


def row_views(scores: Tensor) -> Iterator[tuple[tuple[int, ...], Tensor]]:
    """``scores`` as (N, V) views, nothing copied: the whole where its strides allow, else piece by piece."""
    try:
        yield (), scores.view(-1, scores.shape[-1])
    except RuntimeError:
        for i, each in enumerate(scores):
            for part, view in row_views(each):
                yield (i, *part), view


def bring_forward(scores_NV: Tensor, kept_N: Tensor, level_N: Tensor, sum_N: Tensor) -> None:
    """Take a piece of the vocabulary in: see :func:`nonplus.kernels.native.accumulate`."""
    number_format = str(scores_NV.dtype).removeprefix("torch.")
    known = number_format in native.FORMATS and scores_NV.stride(1) == 1
    if scores_NV.device.type != "cpu" or native.library() is None or not known:
        pure_bring_forward(scores_NV, kept_N, level_N, sum_N)
        return
    native.accumulate(
        scores_NV.data_ptr(),
        number_format,
        kept_N.numpy(),
        level_N.numpy(),
        sum_N.numpy(),
        vocabulary=scores_NV.shape[1],
        stride=scores_NV.stride(0),
        threads=torch.get_num_threads(),
    )


def pure_bring_forward(scores_NV: Tensor, kept_N: Tensor, level_N: Tensor, sum_N: Tensor) -> None:
    """The same without the C kernel, a few rows at a time."""
    wide = torch.float64 if scores_NV.dtype == torch.float64 else torch.float32
    step = max(1, _BLOCK_BYTES.get(scores_NV.device.type, _DEVICE_BLOCK_BYTES) // (wide.itemsize * scores_NV.shape[1]))
    # a device that had to say which rows are kept would wait for the host
    rows_N = kept_N.nonzero()[:, 0] if kept_N.device.type == "cpu" else torch.arange(len(kept_N), device=kept_N.device)
    for rows_M in torch.split(rows_N, step):
        wide_MV = scores_NV[rows_M].to(wide)
        level_M = torch.maximum(level_N[rows_M], wide_MV.amax(1).to(level_N.dtype))
        finite_M = torch.where(level_M == -torch.inf, 0, level_M)
        sum_M = wide_MV.sub_(finite_M[:, None].to(wide)).exp_().sum(1)
        sum_N[rows_M] = sum_N[rows_M] * (level_N[rows_M] - finite_M).exp() + sum_M
        level_N[rows_M] = level_M


def head_nll(states: Tensor, head: Head, target: Tensor, kept: Tensor) -> Tensor:
    """Surprisals, shape of ``target``; zero where not kept."""
    nats = torch.zeros(kept.shape, dtype=_precise(states), device=states.device)
    hidden_NH, target_N = states[kept], target[kept]
    others_N = _head_others(hidden_NH, head, target_N)
    for rows in chunks(len(target_N), _HEAD_ROWS):
        chosen_N = _head_chosen(hidden_NH[rows], head, target_N[rows]).to(others_N)
        nats_N = torch.logaddexp(others_N[rows] - chosen_N, torch.zeros_like(chosen_N))
        others_N[rows] = torch.where(chosen_N < torch.inf, nats_N, torch.nan)
    nats[kept] = others_N
    return nats


def _head_others(hidden_NH: Tensor, head: Head, target_N: Tensor) -> Tensor:
    """Log of the sum of the exponentials of all logits but the target's, shape (N,).

    The target's would be rounded here, and is exact where it is subtracted: of a token that the model is sure of, the
    surprisal would be nothing but that difference.
    """
    n, v = len(hidden_NH), len(head.weight_VH)
    level_N = torch.full((n,), -torch.inf, dtype=_precise(hidden_NH), device=hidden_NH.device)
    sum_N = torch.zeros_like(level_N)
    kept_N = torch.ones(n, dtype=torch.bool, device=hidden_NH.device)
    step = min(v, max(1, _HEAD_BYTES // (min(max(n, 1), _HEAD_ROWS) * hidden_NH.element_size())))
    room = hidden_NH.new_empty(min(n, _HEAD_ROWS) * step)
    for rows in chunks(n, _HEAD_ROWS):
        for piece in chunks(v, step):
            shape = (rows.stop - rows.start, piece.stop - piece.start)
            logits_NP = room[: shape[0] * shape[1]].view(shape)
            torch.mm(hidden_NH[rows], head.weight_VH[piece].to(hidden_NH).t(), out=logits_NP)
            _scaled(logits_NP, None if head.bias_V is None else head.bias_V[piece], head)
            place_N1 = target_N[rows, None] - piece.start
            inside_N1 = (place_N1 >= 0) & (place_N1 < shape[1])
            place_N1 = place_N1.clamp(0, shape[1] - 1)
            own_N1 = torch.where(inside_N1, -torch.inf, logits_NP.gather(1, place_N1))
            bring_forward(logits_NP.scatter_(1, place_N1, own_N1), kept_N[rows], level_N[rows], sum_N[rows])
    return level_N + sum_N.log()


def _head_chosen(hidden_NH: Tensor, head: Head, target_N: Tensor) -> Tensor:
    wide = torch.float64 if hidden_NH.dtype == torch.float64 else torch.float32
    chosen_N = (hidden_NH.to(wide) * head.weight_VH[target_N].to(wide)).sum(1)
    return _scaled(chosen_N, None if head.bias_V is None else head.bias_V[target_N], head)


def _scaled(logits: Tensor, bias: Tensor | None, head: Head) -> Tensor:
    """Logits of products, in their place."""
    if bias is not None:
        logits += bias
    if head.scale != 1:
        logits.mul_(head.scale)
    if head.softcap is not None:
        logits.div_(head.softcap).tanh_().mul_(head.softcap)
    return logits


def _precise(scores: Tensor) -> torch.dtype:
    return torch.float32 if scores.device.type == "mps" else torch.float64
