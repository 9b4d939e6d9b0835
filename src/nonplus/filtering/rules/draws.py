"""Chance that is the same wherever a record is read: a keyed hash of its key."""

# D documents

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from nonplus.filtering.rules.scored import Floats


def record_keys(texts: Sequence[str], ids: Sequence[str | None] | None = None) -> list[bytes]:
    """By what each record is known: its id, or a digest of its text if it has none.

    Records of one id, or without ids of one text, share the key, and with it every
    draw.
    """
    known = ids if ids is not None else [None] * len(texts)
    return [
        blake2b(
            (text if each is None else each).encode("utf-8", "surrogatepass"), digest_size=16, person=person
        ).digest()
        for text, each in zip(texts, known, strict=True)
        for person in [b"text" if each is None else b"id"]
    ]


def draws(keys: Sequence[bytes], seed: int = 0) -> Floats:
    """A number from 0 to below 1 for each key (D,), evenly spread, with 53 random bits.

    It depends on the key and the seed alone: BLAKE2b, keyed by the seed.
    """
    secret = str(seed).encode()
    hashed = b"".join([blake2b(key, digest_size=8, key=secret).digest() for key in keys])
    bits = np.frombuffer(hashed, "<u8") >> np.uint64(11)
    return bits.astype(np.float64) * 2.0**-53
