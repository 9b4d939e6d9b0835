"""Exact sums in int32, the widest type under jax: digits to the base 1024.

The lowest digit comes first, on the last axis. A digit may be slightly above 1023; the
number is still the sum of digit × 1024**place. Sums are exact for up to 2**20 tokens in
a row and 2**16 rows in a batch.

Letters in shapes: N numbers, R rows, T tokens, D digits.
"""

from collections.abc import Sequence
from typing import Any

from keras import ops

WIDTH = 26  # digits of a total
FACTOR_WIDTH = 12  # digits of a row's sum that is multiplied: it stays below 2**80
_BASE = 1024
_ROW_WIDTH = 15  # digits of a row's sum
_READ = 14  # digits that :func:`floating` reads: the range of float32
_CHUNK = float(1 << 20)
_CHUNK_BITS = (60, 40, 20, 0, -20)  # the lowest bit of each chunk; the rest is rounded


def digits_of(values: Any) -> Any:
    """Values from 0 to below 2**80, each rounded to 2**-40, as digits (..., 12)."""
    chunks, rest = [], values
    for bits in _CHUNK_BITS:
        # products with powers of two, and differences of neighbours, are exact in
        # floating point
        chunk = ops.floor(rest * 2.0**-bits)
        rest = rest - chunk * 2.0**bits
        chunks.append(ops.cast(chunk, "int32"))
    chunks.append(ops.cast(ops.round(rest * _CHUNK * _CHUNK), "int32"))
    return ops.stack([digit for chunk in reversed(chunks) for digit in (chunk % _BASE, chunk // _BASE)], axis=-1)


def row_sums(digits: Any) -> Any:
    """Sums over the tokens of each row: (..., R, T, 12) to (..., R, 15)."""
    return carried(widened(ops.sum(digits, axis=-2), _ROW_WIDTH))


def product_sums(one: Any, other: Any) -> Any:
    """Sums over rows of products (N, R, 12), as totals (N, 26) in units of 2**-80."""
    products_NRDD = one[..., :, None] * other[..., None, :]
    # below 2**20 + 2**13 each: split in two before the addition, to leave room for many
    low, high = (_antidiagonals(ops.sum(part, axis=1)) for part in (products_NRDD % _BASE, products_NRDD // _BASE))
    nothing = ops.zeros_like(low[:, :1])
    return widened(ops.concatenate([low, nothing], axis=1) + ops.concatenate([nothing, high], axis=1), WIDTH)


def _antidiagonals(squares_NDD: Any) -> Any:
    """Sums over places with the same sum of indices, (N, 2 D - 1)."""
    n, d, _ = squares_NDD.shape
    wide = ops.reshape(ops.concatenate([squares_NDD, ops.zeros_like(squares_NDD)], axis=2), (n, 2 * d * d))
    return ops.sum(ops.reshape(wide[:, : d * (2 * d - 1)], (n, d, 2 * d - 1)), axis=1)


def counts(marked: Sequence[Any]) -> Any:
    """The number of true values in each of N arrays, as totals (N, 26)."""
    return widened(ops.stack([ops.sum(ops.cast(each, "int32")) for each in marked])[:, None], WIDTH)


def widened(digits: Any, width: int) -> Any:
    """The same numbers with more digits."""
    missing = width - digits.shape[-1]
    return ops.pad(digits, [(0, 0)] * (len(digits.shape) - 1) + [(0, missing)])


def carried(digits: Any) -> Any:
    """The same numbers with digits of at most 1026, from digits of up to 31 bits."""
    for _ in range(3):
        above = digits[..., :-1] // _BASE
        nothing = ops.zeros_like(digits[..., :1])
        digits = digits - _BASE * ops.concatenate([above, nothing], axis=-1)
        digits = digits + ops.concatenate([nothing, above], axis=-1)
    return digits


def floating(digits: Any) -> Any:
    """A number in units of 2**-40 as a float32 of its value.

    Never infinite, because only digits up to 2**100 are read.
    """
    powers = [2.0 ** (10 * place - 40) for place in range(_READ)]
    return ops.sum(ops.cast(digits[..., :_READ], "float32") * ops.convert_to_tensor(powers, "float32"), axis=-1)


def whole(digits: Sequence[int]) -> int:
    """The integer with these digits, which are concrete."""
    return sum(int(digit) << (10 * place) for place, digit in enumerate(digits))
