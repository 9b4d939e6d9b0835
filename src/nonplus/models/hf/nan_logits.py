"""Why a model gives NaN: its weights, or the range of its dtype."""

import torch
from torch import nn

from nonplus.errors import BadModel
from nonplus.models.hf.inner import inner_model


def nan_logits(model: nn.Module, name: str) -> BadModel:
    """The error for a model whose logits are NaN."""
    inner = inner_model(model)
    floating = [(at, each) for at, each in inner.named_parameters() if each.is_floating_point() and not each.is_meta]
    damaged = [at for at, each in floating if not bool(torch.isfinite(each).all())]
    dtype = str(inner.dtype).removeprefix("torch.")
    if damaged:
        return BadModel(
            f"{name} has weights that are NaN or infinite ({', '.join(damaged[:3])}{', …' * (len(damaged) > 3)}), so "
            "its logits are NaN; take a checkpoint from before that, or download it again"
        )
    if inner.dtype == torch.float16:
        return BadModel(
            f"{name} gives NaN as logits in float16, which ends at 65,504, and its weights are finite; open it with "
            "dtype=float32, or dtype=bfloat16, whose range is as wide"
        )
    return BadModel(
        f"{name} gives NaN as logits in {dtype}, and its weights are finite; look for a division by 0 or an infinity "
        "in its code"
    )
