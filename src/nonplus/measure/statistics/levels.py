"""The confidence of an interval."""

from numbers import Real

from nonplus.errors import BadInput


def check_level(level: float) -> None:
    """Refuse what is not a confidence.

    Raises:
        BadInput: it is not a number above 0 and below 1.
    """
    if not (isinstance(level, Real) and 0 < level < 1):
        raise BadInput(
            f"level is the confidence of an interval, a number between 0 and 1, got {level!r}; use level=0.95 for 95 %"
        )
