"""Surprisals from torch tensors, on any device.

Letters in shapes: N rows, M rows at once, H channels of a hidden state, V vocabulary,
C vocabulary entries of a chunk.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.masked import MaskedTensor

from nonplus.kernels import native
from nonplus.kernels.backends import Head, ScoreKind, row_formulas
from nonplus.kernels.backends.refusals import as_numbers, not_dense, not_scores, refuse_fractions
from nonplus.kernels.chunks import chunks
from nonplus.kernels.exact_products import exact_products

# Of logits in floating point at once, without the C kernel: on a CPU what stays in the
# cache.
_CPU_BLOCK_BYTES = 4 << 20
_DEVICE_BLOCK_BYTES = 256 << 20  # not measured

# A chunk of a head's logits: at most this many hidden states and bytes.
_HEAD_ROWS = 4096
_HEAD_BYTES = 32 << 20


def namespace(x: Tensor) -> Any:
    """``torch``."""
    return torch


def scores(x: Tensor) -> Tensor:
    """``x`` as floating point, without its gradient history."""
    _refuse_without_values(x)
    if x.is_complex() or x.dtype == torch.bool:
        raise not_scores(x.dtype)
    x = x.detach().resolve_neg()  # torch may leave a minus sign to be applied later
    if not x.is_floating_point():
        return x.double()
    return x.float() if x.dtype.itemsize == 1 else x  # torch has no arithmetic for float8


def integers(values: Any, *, like: Tensor) -> Tensor:
    """Token ids or a mask, on the device of ``like``."""
    if isinstance(values, Tensor):
        _refuse_without_values(values)
    tensor = torch.as_tensor(values if isinstance(values, Tensor) else as_numbers(values), device=like.device).detach()
    if tensor.is_floating_point():
        refuse_fractions(concrete(torch.any(tensor != tensor.floor())), tensor.dtype)
    return tensor.long()


def concrete(values: Tensor) -> NDArray[Any] | None:
    """The values as NumPy; dtypes that it lacks, such as bfloat16, as float32."""
    _refuse_without_values(values)
    on_cpu = values.detach().cpu()
    known = not on_cpu.is_floating_point() or on_cpu.dtype in (torch.float16, torch.float32, torch.float64)
    return np.asarray(on_cpu if known else on_cpu.float())


def _refuse_without_values(x: Tensor) -> None:
    """Refuse a tensor that has no value at some places.

    Raises:
        BadInput: the kind of tensor, and what to pass.
    """
    if not isinstance(x, Tensor):
        raise not_dense(f"a {type(x).__name__} of torch", "pass a tensor")
    if isinstance(x, MaskedTensor):
        raise not_dense("a MaskedTensor of torch", "pass x.get_data(), and mask=x.get_mask()")
    if x.is_meta:
        raise not_dense("a tensor on the device meta, which has no values,", "compute it on another device")
    if x.is_nested:
        raise not_dense("a nested tensor of torch", "pass torch.nested.to_padded_tensor(x, 0.0) and a mask")
    if x.layout != torch.strided:
        raise not_dense(f"a sparse tensor of torch ({str(x.layout).removeprefix('torch.')})", "pass x.to_dense()")
    if x.is_quantized:
        raise not_dense(f"a quantized tensor of torch ({str(x.dtype).removeprefix('torch.')})", "pass x.dequantize()")


def checked_nats(nats: Tensor, kept: Tensor) -> Tensor:
    """Surprisals that others computed, NaN where they are negative."""
    checked: Tensor = row_formulas.checked_nats(torch, nats.to(_precise(nats)), kept)
    return checked


def nll(scores: Tensor, target: Tensor, kept: Tensor, kind: ScoreKind) -> Tensor:
    """Surprisals; the targets that are kept must be ids."""
    precise = _precise(scores)
    chosen = scores.gather(-1, torch.where(kept, target, 0)[..., None])[..., 0].to(precise)
    if kind == "logprobs":
        nats = row_formulas.not_negative(torch, 0 - chosen)
    elif kind == "probs":
        nats = row_formulas.nats_of_probs(torch, chosen, scores.amin(-1), scores.sum(-1, dtype=precise))
    else:
        nats = (log_sum_exp(scores, kept) - chosen).clamp(min=0)
    return torch.where(kept, nats, 0.0)


def log_sum_exp(scores: Tensor, kept: Tensor) -> Tensor:
    """Log-sum-exp over the last axis; NaN where not kept or all scores are -inf."""
    level = torch.full(kept.shape, -torch.inf, dtype=_precise(scores), device=scores.device)
    total = torch.zeros_like(level)
    for part, scores_NV in row_views(scores):
        accumulate(scores_NV, kept[part].reshape(-1), level[part].view(-1), total[part].view(-1))
    return torch.where(total > 0, level + total.log(), torch.nan)


def row_views(scores: Tensor) -> Iterator[tuple[tuple[int, ...], Tensor]]:
    """``scores`` as (N, V) views, without copies: several if strides require it."""
    try:
        yield (), scores.view(-1, scores.shape[-1])
    except RuntimeError:
        for i, each in enumerate(scores):
            for part, view in row_views(each):
                yield (i, *part), view


def accumulate(scores_NV: Tensor, kept_N: Tensor, level_N: Tensor, sum_N: Tensor) -> None:
    """Add a chunk of the vocabulary: see :func:`nonplus.kernels.native.accumulate`."""
    dtype = str(scores_NV.dtype).removeprefix("torch.")
    known = dtype in native.DTYPE_BYTES and scores_NV.stride(1) == 1
    if scores_NV.device.type != "cpu" or native.functions() is None or not known:
        pure_accumulate(scores_NV, kept_N, level_N, sum_N)
        return
    native.accumulate(
        scores_NV.data_ptr(),
        dtype,
        kept_N=kept_N.numpy(),
        level_N=level_N.numpy(),
        sum_N=sum_N.numpy(),
        vocabulary=scores_NV.shape[1],
        stride=scores_NV.stride(0),
        threads=torch.get_num_threads(),
    )


def pure_accumulate(scores_NV: Tensor, kept_N: Tensor, level_N: Tensor, sum_N: Tensor) -> None:
    """The same without the C kernel, a few rows at a time."""
    wide = torch.float64 if scores_NV.dtype == torch.float64 else torch.float32
    on_cpu = scores_NV.device.type == "cpu"
    block_bytes = _CPU_BLOCK_BYTES if on_cpu else _DEVICE_BLOCK_BYTES
    step = max(1, block_bytes // (wide.itemsize * scores_NV.shape[1]))
    # all rows on other devices: to tell which are kept, a device would stop and wait
    rows_N = kept_N.nonzero()[:, 0] if on_cpu else torch.arange(len(kept_N), device=kept_N.device)
    for rows_M in torch.split(rows_N, step):
        wide_MV = scores_NV[rows_M].to(wide)
        level_M = torch.maximum(level_N[rows_M], wide_MV.amax(1).to(level_N.dtype))
        finite_M = torch.where(level_M == -torch.inf, 0, level_M)
        sum_M = wide_MV.sub_(finite_M[:, None].to(wide)).exp_().sum(1)
        sum_N[rows_M] = sum_N[rows_M] * (level_N[rows_M] - finite_M).exp() + sum_M
        level_N[rows_M] = level_M


def head_nll(states: Tensor, head: Head, target: Tensor, kept: Tensor) -> Tensor:
    """Surprisals from hidden states; the targets that are kept must be ids."""
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
    """Log-sum-exp of all logits but the target's, shape (N,).

    The target's logit would be rounded here, but is exact where it is subtracted. For a
    token that the model is sure of, that difference would be all of the surprisal.
    """
    n, v = len(hidden_NH), len(head.weight_VH)
    level_N = torch.full((n,), -torch.inf, dtype=_precise(hidden_NH), device=hidden_NH.device)
    sum_N = torch.zeros_like(level_N)
    kept_N = torch.ones(n, dtype=torch.bool, device=hidden_NH.device)
    step = min(v, max(1, _HEAD_BYTES // (min(max(n, 1), _HEAD_ROWS) * hidden_NH.element_size())))
    buffer = hidden_NH.new_empty(min(n, _HEAD_ROWS) * step)
    for rows in chunks(n, _HEAD_ROWS):
        for entries in chunks(v, step):
            shape = (rows.stop - rows.start, entries.stop - entries.start)
            logits_NC = buffer[: shape[0] * shape[1]].view(shape)
            with exact_products():
                torch.mm(hidden_NH[rows], head.weight_VH[entries].to(hidden_NH).t(), out=logits_NC)
            _scaled(logits_NC, None if head.bias_V is None else head.bias_V[entries], head)
            column_N = target_N[rows] - entries.start
            inside_N = (column_N >= 0) & (column_N < shape[1])
            # not with scatter_, which on a CPU takes longer than the product
            own = torch.arange(shape[0], device=column_N.device), column_N.clamp(0, shape[1] - 1)
            logits_NC[own] = torch.where(inside_N, -torch.inf, logits_NC[own])
            accumulate(logits_NC, kept_N[rows], level_N[rows], sum_N[rows])
    return level_N + sum_N.log()


def _head_chosen(hidden_NH: Tensor, head: Head, target_N: Tensor) -> Tensor:
    wide = torch.float64 if hidden_NH.dtype == torch.float64 else torch.float32
    chosen_N = (hidden_NH.to(wide) * head.weight_VH[target_N].to(wide)).sum(1)
    return _scaled(chosen_N, None if head.bias_V is None else head.bias_V[target_N], head)


def _scaled(logits: Tensor, bias: Tensor | None, head: Head) -> Tensor:
    """Logits of products, computed in place."""
    if bias is not None:
        logits += bias
    if head.scale != 1:
        logits.mul_(head.scale)
    if head.softcap is not None:
        logits.div_(head.softcap).tanh_().mul_(head.softcap)
    return logits


def _precise(scores: Tensor) -> torch.dtype:
    return torch.float32 if scores.device.type == "mps" else torch.float64
