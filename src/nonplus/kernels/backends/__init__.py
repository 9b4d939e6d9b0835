"""The arithmetic on rows of a vocabulary: one module for each kind of array.

Each module has the functions of ``Backend``, for arrays of its package.
"""

from typing import Any, Literal, NamedTuple, Protocol

from numpy.typing import NDArray

ScoreKind = Literal["logits", "logprobs", "probs"]

# Tolerances for values that others computed. A log-probability may lie this far above
# 0: its log-sum-exp was rounded elsewhere, which in bfloat16 is off by hundredths.
ROUNDING = 0.1
# A probability may lie this far below 0.
DUST = 1e-6


class Head(NamedTuple):
    """What makes logits of a hidden state.

    They are ``(hidden @ weight.T + bias) * scale``, with a softcap c then
    ``c * tanh(logits / c)``.
    """

    weight_VH: Any
    bias_V: Any
    scale: float
    softcap: float | None


class Backend(Protocol):
    """The functions of a backend module.

    Shapes are those of :func:`nonplus.kernels.token_nll.token_nll`: ``scores``
    (..., V), ``states`` (..., H), all others (...). ``kept`` marks the targets that
    count; surprisals are 0 elsewhere, and NaN where a row is not a distribution.
    """

    def namespace(self, x: Any) -> Any:
        """The module that holds ``concat`` and ``zeros_like`` for arrays like ``x``."""
        ...

    def scores(self, x: Any) -> Any:
        """``x`` as floating point, without its gradient history.

        Raises:
            BadInput: a dtype that is not of real numbers.
        """
        ...

    def integers(self, values: Any, *, like: Any) -> Any:
        """Token ids or a mask as integers, on the device of ``like``.

        Raises:
            BadInput: values that are not whole numbers.
        """
        ...

    def concrete(self, values: Any) -> NDArray[Any] | None:
        """The values as NumPy; ``None`` while a computation is traced."""
        ...

    def checked_nats(self, nats: Any, kept: Any) -> Any:
        """Surprisals that others computed, NaN where they are negative."""
        ...

    def nll(self, scores: Any, target: Any, kept: Any, kind: ScoreKind) -> Any:
        """Surprisals of the targets from scores over the vocabulary."""
        ...

    def head_nll(self, states: Any, head: Head, target: Any, kept: Any) -> Any:
        """Surprisals of the targets from hidden states, without forming all logits."""
        ...
