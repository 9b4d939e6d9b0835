"""The log-probabilities of a file as surprisals in nats."""

import math
import reprlib
from typing import Any, TypeGuard

from nonplus.errors import BadInput
from nonplus.outbound.wires import ROUNDING, ZERO

# What a logarithm is multiplied by to be natural, by the name of its base.
BASES = {"nats": 1.0, "bits": math.log(2), "log10": math.log(10)}
_INFINITE = ("-inf", "-infinity")
_WHOLE = 1 << 63  # whole numbers from here on are no log-probabilities, and too large for a float in the end


def surprisal(logprob: Any, *, base: str, place: str) -> float | None:
    """Nats of a token; ``None`` if it was not scored, infinite for probability 0.

    Raises:
        BadInput: it is no log-probability.
    """
    if logprob is None:
        return None
    if isinstance(logprob, str) and logprob.lower() in _INFINITE:
        return math.inf
    if not _is_number(logprob):
        raise BadInput(
            f"{place} has {reprlib.repr(logprob)}, where a log-probability is a number or null; write the file again"
        )
    if logprob <= ZERO:
        return math.inf
    nats = 0.0 - logprob * BASES[base]
    if nats < -ROUNDING:
        raise BadInput(
            f"{place} has the log-probability {logprob:g}, and none is above 0; if these are surprisals, change their "
            "sign, and if they are probabilities, take their logarithm"
        )
    return max(nats, 0.0)


def _is_number(value: Any) -> TypeGuard[float]:
    if isinstance(value, float):
        return not math.isnan(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _WHOLE
