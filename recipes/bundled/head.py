"""Cross-entropy of a tied head and its gradients, chunk by chunk.

The logits of a batch (tokens x 8,192) are several times larger than a CPU's cache; a
chunk of 128 tokens fits. On one core this raised the speed of training from 5.6 to 8.1
thousand tokens per second (figures in README.md).

Letters: N tokens, D width, V vocabulary.
"""

import torch
from torch import Tensor

CHUNK = {"cpu": 128, "cuda": 16384}


class TiedHeadLoss(torch.autograd.Function):
    """Mean nats per token of ``targets_N`` under ``softmax(hidden_ND @ weight_VD.T)``.

    Products run in ``dtype``, log-sum-exp and the weight's gradient in float32.
    """

    @staticmethod
    def forward(ctx, hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor, dtype: torch.dtype) -> Tensor:
        """Compute the loss and both gradients in one pass over the chunks."""
        n, step = len(hidden_ND), CHUNK[hidden_ND.device.type]
        narrow_VD = weight_VD.to(dtype)
        grad_ND = torch.empty_like(hidden_ND)
        grad_VD = torch.zeros_like(weight_VD)
        nats = torch.zeros((), device=hidden_ND.device)
        for first in range(0, n, step):
            chunk = slice(first, first + step)
            narrow_ND = hidden_ND[chunk].to(dtype)
            logits_NV = (narrow_ND @ narrow_VD.T).float()
            lse_N1 = logits_NV.logsumexp(1, keepdim=True)
            target_N1 = targets_N[chunk, None]
            nats += (lse_N1 - logits_NV.gather(1, target_N1)).sum()
            # From here on, logits_NV holds the gradient: softmax minus one-hot.
            slope_NV = logits_NV.sub_(lse_N1).exp_()
            slope_NV.scatter_add_(1, target_N1, -torch.ones_like(lse_N1))
            slope_NV = slope_NV.div_(n).to(dtype)
            grad_ND[chunk] = slope_NV @ narrow_VD
            grad_VD += slope_NV.T @ narrow_ND
        ctx.save_for_backward(grad_ND, grad_VD)
        return nats / n

    @staticmethod
    def backward(ctx, upstream: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """Scale the gradients that ``forward`` made."""
        grad_ND, grad_VD = ctx.saved_tensors
        return grad_ND * upstream, grad_VD * upstream, None, None
