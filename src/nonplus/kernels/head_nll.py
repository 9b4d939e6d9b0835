"""The surprisal of each token from hidden states, without ever forming the logits.

The vocabulary is taken a piece at a time and its log-sum-exp brought forward; the target's score is a dot product of
its own, in full precision. After Wijmans et al., *Cut Your Losses in Large-Vocabulary Language Models* (2024).

Letters in shapes: T time, N rows, H channels of a hidden state, V vocabulary.
"""

import math
from collections.abc import Iterable
from typing import Any, Literal

from nonplus.errors import BadInput
from nonplus.kernels.backends import Head
from nonplus.kernels.dispatch import backend_of
from nonplus.kernels.token_nll import TokenNats, below_predictions, check_distributions, check_ids, later


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
    """Surprisal in nats of each of ``targets`` (..., T) from hidden states (..., T, H) and a head's ``weight`` (V, H).

    The logits are those of ``(hidden @ weight.T + bias) * scale``, and with a ``softcap`` c then
    ``c * tanh(logits / c)``. Pieces of them are made in the format of ``hidden`` and take at most some 32 MB. All else
    is as in :func:`nonplus.kernels.token_nll.token_nll`.

    Raises:
        BadInput: shapes that do not fit, or a target that is neither kept out nor in the vocabulary, with its place.
        BadProbability: a row that leaves no distribution, with its place; with ``on_nonfinite="nan"`` it is not a
            number instead.
    """
    if not (math.isfinite(scale) and scale):
        raise BadInput(f"scale is what logits are multiplied by, a number other than 0, got {scale}")
    if softcap is not None and not 0 < softcap < math.inf:
        raise BadInput(f"softcap is the size that logits stay below, a number above 0, got {softcap}; or give None")
    backend = backend_of(hidden)
    for name, other in (("weight", weight), ("bias", hidden if bias is None else bias)):
        if backend_of(other).xp is not backend.xp:
            raise BadInput(
                f"hidden states and {name} come as arrays of one package, got {type(hidden).__name__} and "
                f"{type(other).__name__}; convert one of them"
            )
    states = backend.scores(hidden)
    target = backend.integers(targets, like=states)
    head = Head(backend.scores(weight), None if bias is None else backend.scores(bias), scale, softcap)
    _check_shapes(tuple(states.shape), tuple(target.shape), head)
    asked = below_predictions(backend, target, ignore_index=ignore_index, mask=mask, shift=shift)
    check_ids(backend, asked, head.weight_VH.shape[0], shift=shift)
    nats = backend.head_nll(states, head, asked.target, asked.counted)
    if on_nonfinite == "raise":
        check_distributions(backend, nats, "logits", of=" of the hidden states")
    return TokenNats(later(backend.xp, nats) if shift else nats, asked.kept)


def _check_shapes(states: tuple[int, ...], target: tuple[int, ...], head: Head) -> None:
    weight = tuple(head.weight_VH.shape)
    if states[:-1] != target or not target:
        raise BadInput(
            f"hidden states of shape (..., T, H) predict targets of shape (..., T), got {states} and {target}; "
            f"give one target for each hidden state"
        )
    if len(weight) != 2 or weight[1] != states[-1]:
        transposed = len(weight) == 2 and weight[0] == states[-1]
        raise BadInput(
            f"the head's weight has shape (V, H) with H of {states[-1]}, got {weight}; "
            + ("give its transpose" if transposed else "give the weight of the model that made the hidden states")
        )
    if head.bias_V is not None and tuple(head.bias_V.shape) != weight[:1]:
        raise BadInput(f"the head's bias has shape {weight[:1]}, got {tuple(head.bias_V.shape)}")
