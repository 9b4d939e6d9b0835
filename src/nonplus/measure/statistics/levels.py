"""The confidence of an interval."""

from numbers import Real

from nonplus.errors import BadInput

_MOST = 0.999  # quantiles beyond are neither exact (see ``student``) nor tried on real corpora


def check_level(level: float) -> None:
    """Refuse what is not a confidence.

    Raises:
        BadInput: it is not a number above 0 and below 1, or it is above 0.999.
    """
    if not (isinstance(level, Real) and 0 < level < 1):
        raise BadInput(
            f"level is the confidence of an interval, a number between 0 and 1, got {level!r}; use level=0.95 for 95 %"
        )
    if level > _MOST:
        raise BadInput(
            f"level={level!r} is above {_MOST}, and how far out so rare a figure lies cannot be told from a few "
            f"documents; use level={_MOST} or less"
        )
