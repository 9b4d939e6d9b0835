"""The surprisal of each token from hidden states, without forming all logits.

The log-sum-exp is accumulated over chunks of the vocabulary. The target's logit is a
separate dot product in full precision. After Wijmans et al., *Cut Your Losses in
Large-Vocabulary Language Models* (2024).

Letters in shapes: T time, N rows, H channels of a hidden state, V vocabulary.
"""

import math
from collections.abc import Iterable
from typing import Any, Literal

from nonplus.errors import BadInput
from nonplus.kernels.backends import Head
from nonplus.kernels.dispatch import backend_of
from nonplus.kernels.masked import refuse_masked, with_mask
from nonplus.kernels.targets import aligned, check_targets, later
from nonplus.kernels.token_nll import TokenNats, check_distributions


def head_nll(
    hidden: Any,
    weight: Any,
    targets: Any,
    *,
    bias: Any = None,
    scale: float = 1.0,
    softcap: float | None = None,
    shift: bool = False,
    ignore_index: int | Iterable[int] | None = None,
    mask: Any = None,
    on_nonfinite: Literal["raise", "nan"] = "raise",
) -> TokenNats:
    """Surprisal in nats of each of ``targets`` (..., T) from states and a model's head.

    ``hidden`` (..., T, H) are the hidden states, ``weight`` (V, H) is the head's. The
    logits are ``(hidden @ weight.T + bias) * scale``, with a ``softcap`` c then
    ``c * tanh(logits / c)``. They are formed in chunks of about 32 MB, in the dtype of
    ``hidden``: float32 with all its bits, whatever torch or jax is set to; on a GPU,
    TensorFlow and MLX use TF32 unless they are told not to. The rest is as in
    :func:`nonplus.kernels.token_nll.token_nll`.

    Raises:
        BadInput: shapes that do not fit, or a kept target that is not in the
            vocabulary, with its position.
        BadProbability: a row that is not a distribution, with its position; with
            ``on_nonfinite="nan"`` it gives NaN instead.
    """
    if not (math.isfinite(scale) and scale):
        raise BadInput(f"scale multiplies the logits and must be finite and not 0, got {scale}; use 1.0 for none")
    if softcap is not None and not 0 < softcap < math.inf:
        raise BadInput(f"softcap bounds the logits and must be finite and above 0, got {softcap}; use None for none")
    refuse_masked(hidden, "hidden states")
    targets, mask = with_mask(targets, mask)
    backend = backend_of(hidden)
    for name, other in (("weight", weight), ("bias", hidden if bias is None else bias)):
        if backend_of(other).namespace(other) is not backend.namespace(hidden):
            raise BadInput(
                f"hidden states and {name} must be arrays of one package, got {type(hidden).__name__} and "
                f"{type(other).__name__}; convert one of them"
            )
    states = backend.scores(hidden)
    target = backend.integers(targets, like=states)
    head = Head(backend.scores(weight), None if bias is None else backend.scores(bias), scale, softcap)
    _check_shapes(tuple(states.shape), tuple(target.shape), head)
    at = aligned(backend, target, ignore_index=ignore_index, mask=mask, shift=shift)
    check_targets(backend, at, head.weight_VH.shape[0], shift=shift)
    nats = backend.head_nll(states, head, at.target, at.counted)
    if on_nonfinite == "raise":
        check_distributions(backend, nats, "logits", of=" of the hidden states")
    return TokenNats(later(backend.namespace(nats), nats) if shift else nats, at.kept)


def _check_shapes(states: tuple[int, ...], target: tuple[int, ...], head: Head) -> None:
    weight = tuple(head.weight_VH.shape)
    if states[:-1] != target or not target:
        raise BadInput(
            f"hidden states of shape (..., T, H) need targets of shape (..., T), got {states} and {target}; "
            f"give one target for each hidden state"
        )
    if len(weight) != 2 or weight[1] != states[-1]:
        transposed = len(weight) == 2 and weight[0] == states[-1]
        raise BadInput(
            f"the head's weight has shape (V, H) with H = {states[-1]}, got {weight}; "
            + ("give its transpose" if transposed else "give the weight of the model that made the hidden states")
        )
    if head.bias_V is not None and tuple(head.bias_V.shape) != weight[:1]:
        raise BadInput(
            f"the head's bias has shape (V,) with V = {weight[0]}, got {tuple(head.bias_V.shape)}; "
            f"give the bias of the same head"
        )
