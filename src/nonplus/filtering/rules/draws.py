"""Chance that is the same wherever a record is read: a keyed hash of its key."""

# D documents

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from nonplus.filtering.rules.scored import Floats


def draws(keys: Sequence[bytes], seed: int = 0) -> Floats:
    """A number from 0 to below 1 for each key (D,), evenly spread, with 53 random bits.

    It depends on the key and the seed alone: BLAKE2b, keyed by the seed.
    """
    secret = str(seed).encode()
    hashed = b"".join([blake2b(key, digest_size=8, key=secret).digest() for key in keys])
    bits = np.frombuffer(hashed, "<u8") >> np.uint64(11)
    return bits.astype(np.float64) * 2.0**-53
