"""How many bytes a size is that somebody wrote, such as 6M."""

import re
from fractions import Fraction

from nonplus.errors import BadInput

_UNITS = "KMGT"
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(?:([KMGT])(I?))?B?", re.ASCII | re.IGNORECASE)


def bytes_of(size: str, *, option: str, example: str) -> int:
    """The number of bytes: ``4G`` is 4,000,000,000 and ``4Gi`` is 4 times 2^30.

    Raises:
        BadInput: it is no size; the message names the option.
    """
    written = _SIZE.fullmatch(size.strip())
    if written is None:
        raise BadInput(
            f"{option}={size} is no number of bytes; write e.g. {option}={example}, with K, M, G or T for powers of "
            "1,000, and Ki, Mi, Gi or Ti of 1,024"
        )
    number, unit, binary = written.groups()
    power = 1 + _UNITS.index(unit.upper()) if unit else 0
    return int(Fraction(number) * (1024 if binary else 1000) ** power)
