"""The arithmetic on rows of a vocabulary, once for each kind of array."""

from typing import Any, NamedTuple

# How far above 0 a given logarithm of a probability may lie, and how far below 0 a probability: others subtract a
# target's score from a log-sum-exp that was rounded elsewhere, which in bfloat16 is off by hundredths.
ROUNDING = 0.1


DUST = 1e-6


class Head(NamedTuple):
    """What makes logits of a hidden state: ``(hidden @ weight.T + bias) * scale``, squeezed by ``softcap``."""

    weight_VH: Any
    bias_V: Any
    scale: float
    softcap: float | None
