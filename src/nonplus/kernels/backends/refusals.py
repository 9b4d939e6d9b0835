"""What every backend refuses, in the same words."""

from nonplus.errors import BadInput


def not_scores(dtype: object) -> BadInput:
    """The error for scores of a ``dtype`` that is not of real numbers."""
    return BadInput(
        f"scores must be real numbers, got dtype {dtype}; give logits, log-probabilities, probabilities or surprisals"
    )


def refuse_fractions(fractional: object, dtype: object) -> None:
    """Refuse token ids or a mask if ``fractional`` is true; ``None`` is unknown."""
    if fractional:
        raise BadInput(
            f"token ids and masks must be whole numbers, got fractions or NaN in dtype {dtype}; give integers"
        )
