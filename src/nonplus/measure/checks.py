"""A claim about a model, and whether it holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nonplus.errors import NonplusError
from nonplus.measure.interfaces import AnyModel
from nonplus.measure.records import Floats

# Nats by which two computations of the same log-probability may differ, by the dtype of
# the body.
ROUNDING = {"float64": 1e-9, "float32": 1e-3, "float16": 0.05, "bfloat16": 0.3}

# What a model's code may raise. The check then fails, and the others go on.
_FAULTS = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, MemoryError, NonplusError),
    *(OSError, RuntimeError, TypeError, ValueError),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One claim about a model.

    It holds where ``measured`` is at most ``bound``, both in ``unit``. It fails with
    the sentence ``fault`` if there is nothing to measure.
    """

    name: str
    claim: str
    measured: float | None = None
    bound: float = 0.0
    unit: str = "nats"
    fault: str = ""

    @property
    def passed(self) -> bool:
        """Whether the claim holds; it does not where ``measured`` is NaN."""
        return self.measured is not None and self.measured <= self.bound


def attempt(name: str, check: Callable[[], Check]) -> Check:
    """The check, or one of that name that failed because something was raised."""
    try:
        return check()
    except _FAULTS as fault:
        what = str(fault) if isinstance(fault, NonplusError) else f"{type(fault).__name__}: {fault}"
        return Check(name=name, claim="the check ran to its end", fault=" ".join(what.split()))


def close(model: AnyModel, name: str, claim: str, one: Sequence[Floats], other: Sequence[Floats]) -> Check:
    """That two computations agree, but for rounding in the model's dtype."""
    bound = ROUNDING.get(model.dtype, ROUNDING["bfloat16"])
    return Check(name=name, claim=claim, measured=apart(one, other), bound=bound)


def apart(one: Sequence[Floats], other: Sequence[Floats]) -> float:
    """The largest difference; tokens that have probability 0 in both do not differ."""
    a, b = np.concatenate(one), np.concatenate(other)
    differ = a != b  # -inf - -inf is NaN
    return float(np.max(np.abs(a[differ] - b[differ]), initial=0.0))
