"""From the surprisals of a batch to whole numbers for each document in it.

A surprisal is rounded by itself, to 2**-40 nats, before anything is added: whatever the batches, their order and the
machine they were on, the sums are the same. Nothing here loops over tokens.

Letters in shapes: R rows of a batch, T time, D documents.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput, BadProbability
from nonplus.measure.records import Floats, Ints
from nonplus.measure.statistics.tally import Part, first_places

Bools = NDArray[np.bool_]
Array = NDArray[Any]

_BITS = 40
_LOW = 30  # a value is added as two whole numbers, of which the lower has so many bits: 2**31 tokens fit into int64
_LARGEST = np.finfo(np.float64).max
_LIGHTEST, _HEAVIEST = 2.0**-20, 2.0**40  # weights but zero; a lighter one would be rounded by more than a millionth
_SMALL = float(1 << 22)  # below this a value times 2**40 fits into int64


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What may come beside the surprisals (..., T) of a batch, as NumPy arrays.

    ``weights``, ``n_bytes`` and ``n_words`` are for each token, (..., T), or each row, (...). Those of a token that is
    not scored do not count; the bytes and words of a row are those of its scored tokens alone. ``doc_ids``, of either
    shape, name documents; without them each row is one.
    """

    weights: Array | None = None
    n_bytes: Array | None = None
    n_words: Array | None = None
    doc_ids: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSums:
    """Sums over each document of a batch, or each run of one, and where the first impossible and broken tokens stand.

    ``names`` has their names, none where rows are documents without one. A place is the document's name,
    or the number of its row, and the place in the row.
    """

    parts: tuple[Part, ...]
    names: tuple[str, ...] | None
    zeros: tuple[tuple[Any, int], ...]
    nonfinite: tuple[tuple[Any, int], ...]


def batch_sums(nats: Floats, kept: Bools, beside: Beside, *, shift: bool, exclude_nonfinite: bool) -> BatchSums:
    """Sum surprisals (..., T) over documents. A token whose weight is zero is left out as if it were not kept.

    With ``shift``, a token was predicted from the one before it. Where documents share a row, the first token of each
    has one of another document there, and is not scored.

    Raises:
        BadInput: a shape that does not fit, a weight, count or name that is none.
        BadProbability: a surprisal that is not a number, with its place, unless those are to be excluded.
    """
    shape = nats.shape
    if not shape:
        raise BadInput("surprisals are of tokens in rows, shape (..., T), got a single number; give a row of one")
    table = (int(np.prod(shape[:-1])), shape[-1])
    nats_RT, kept_RT = nats.astype(np.float64, copy=False).reshape(table), kept.reshape(table)
    documents = _documents(beside.doc_ids, shape)
    first_RT = _firsts(kept_RT, documents) if shift else np.zeros_like(kept_RT)
    kept_RT = kept_RT & ~first_RT if documents.runs is not None else kept_RT
    weight_RT = _weights(beside.weights, shape)
    if weight_RT is not None:
        kept_RT = kept_RT & (weight_RT > 0)
    finite_RT = kept_RT & np.isfinite(nats_RT)
    zero_RT = kept_RT & ~finite_RT & (nats_RT > 0)
    wrong_RT = kept_RT & ~finite_RT & ~zero_RT
    scored_RT = finite_RT | zero_RT
    if wrong_RT.any() and not exclude_nonfinite:
        _refuse(nats_RT, wrong_RT)
    scored = documents.sums(scored_RT)
    first = documents.sums(first_RT)
    n_bytes = _counts("n_bytes", beside.n_bytes, scored_RT, documents, shape)
    n_words = _counts("n_words", beside.n_words, scored_RT, documents, shape)
    known_RT = nats_RT if finite_RT.all() else np.where(finite_RT, nats_RT, 0.0)
    weighted_RT = known_RT if weight_RT is None else _product(known_RT, weight_RT)
    parts = map(
        Part,
        documents.fixed_sums(weighted_RT),
        [n << _BITS for n in scored] if weight_RT is None else documents.fixed_sums(weight_RT * scored_RT),
        documents.fixed_sums(_product(weighted_RT, known_RT)),
        scored,
        first,
        [n - f for n, f in zip(documents.sums(~kept_RT), first, strict=True)],
        documents.sums(zero_RT),
        documents.sums(wrong_RT),
        n_bytes or [0] * len(scored),
        n_words or [0] * len(scored),
        scored if n_bytes is None else [0] * len(scored),
        scored if n_words is None else [0] * len(scored),
    )
    return BatchSums(
        parts=tuple(parts), names=documents.names, zeros=documents.places(zero_RT), nonfinite=documents.places(wrong_RT)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Documents:
    """Which document each token of a batch is of: that of its row, or, where they share rows, that of its run.

    ``runs`` are the places, in the flattened batch, at which another document begins than that of the token before.
    ``names`` are those of rows or runs; a name may come more than once.
    """

    names: tuple[str, ...] | None
    runs: Ints | None

    def sums(self, values_RT: Array) -> list[int]:
        """Sums of whole numbers over each document."""
        summed_as = object if values_RT.dtype == object else np.int64
        if self.runs is None:
            added: list[int] = values_RT.sum(axis=1, dtype=summed_as).tolist()
        else:
            added = np.add.reduceat(values_RT.ravel(), self.runs, dtype=summed_as).tolist() if len(self.runs) else []
        return added

    def fixed_sums(self, values_RT: Floats) -> list[int]:
        """Sums over each document of values in units of 2**-40, each rounded by itself."""
        if max(values_RT.max(initial=0.0), -values_RT.min(initial=0.0)) >= _SMALL:
            exact = [_nearest(value) for value in values_RT.ravel().tolist()]
            return self.sums(np.array(exact, object).reshape(values_RT.shape))
        scaled_RT = values_RT * float(1 << _BITS)
        units_RT = np.rint(scaled_RT, out=scaled_RT).astype(np.int64)
        low = self.sums(units_RT & ((1 << _LOW) - 1))
        high = self.sums(np.right_shift(units_RT, _LOW, out=units_RT))
        return [(above << _LOW) + below for above, below in zip(high, low, strict=True)]

    def places(self, marked_RT: Bools) -> tuple[tuple[Any, int], ...]:
        """The first marked tokens, each as its document and its place in the row."""
        return first_places(self._all_places(marked_RT)) if marked_RT.any() else ()

    def _all_places(self, marked_RT: Bools) -> Iterator[tuple[Any, int]]:
        rows, places = marked_RT.nonzero()
        of = rows if self.runs is None else np.searchsorted(self.runs, marked_RT.ravel().nonzero()[0], side="right") - 1
        for document, place in zip(of.tolist(), places.tolist(), strict=True):
            yield document if self.names is None else self.names[document], place


def _product(one: Floats, other: Floats) -> Floats:
    """Products; where one is beyond what a float can hold, the largest float stands for it."""
    with np.errstate(over="ignore"):
        product = one * other
    return np.clip(product, -_LARGEST, _LARGEST, out=product)


def _nearest(value: float) -> int:
    """``value`` in units of 2**-40, the nearest whole one, ties to even as :func:`numpy.rint`."""
    numerator, denominator = value.as_integer_ratio()
    quotient, rest = divmod(numerator << _BITS, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient & 1))


def _documents(doc_ids: Array | None, shape: Sequence[int]) -> _Documents:
    if doc_ids is None:
        return _Documents(names=None, runs=None)
    if doc_ids.dtype.kind not in "iuU":
        raise BadInput(f"doc_ids are whole numbers or strings, got an array of {doc_ids.dtype}")
    if doc_ids.shape == tuple(shape[:-1]):
        return _Documents(names=tuple(map(str, doc_ids.ravel().tolist())), runs=None)
    if doc_ids.shape == tuple(shape):
        flat = doc_ids.ravel()
        runs = np.concatenate([np.zeros(min(len(flat), 1), np.int64), 1 + (flat[1:] != flat[:-1]).nonzero()[0]])
        return _Documents(names=tuple(map(str, flat[runs].tolist())), runs=runs)
    raise BadInput(_misfit("doc_ids", doc_ids, shape))


def _weights(weights: Array | None, shape: Sequence[int]) -> Floats | None:
    if weights is None:
        return None
    if not np.can_cast(weights.dtype, np.float64, "same_kind"):
        raise BadInput(f"weights are numbers, got an array of {weights.dtype}")
    spread = _for_each_token("weights", weights, shape).astype(np.float64)
    wrong = ~(np.isfinite(spread) & (spread >= 0))
    if wrong.any():
        raise BadInput(
            f"weights are finite and not negative, got {spread[wrong][0]}; weigh a token by 0 to leave it out"
        )
    beyond = (spread != 0) & ((spread < _LIGHTEST) | (spread > _HEAVIEST))
    if beyond.any():
        weight = spread[beyond][0]
        raise BadInput(
            f"weights are kept in steps of 2**-40 and lie between 2**-20 and 2**40, got {weight:g}; scale them "
            f"{'up' if weight < 1 else 'down'}, all by the same factor, which changes no perplexity"
        )
    return spread


def _counts(
    what: str, counts: Array | None, scored_RT: Bools, documents: _Documents, shape: Sequence[int]
) -> list[int] | None:
    """How many bytes or words each document has; those of tokens that are not scored do not count."""
    if counts is None:
        return None
    if counts.dtype.kind not in "iu" or (counts < 0).any():
        raise BadInput(f"{what} are whole numbers from 0 on, got {counts.dtype} from {counts.min(initial=0)} on")
    if counts.shape == tuple(shape):
        return documents.sums(np.where(scored_RT, counts.reshape(scored_RT.shape), 0))
    if documents.runs is not None:
        raise BadInput(f"{what} are given for each token, shape {tuple(shape)}, where documents share rows")
    return (_for_each_token(what, counts, shape)[:, 0] * scored_RT.any(axis=1)).tolist() if shape[-1] else []


def _for_each_token(what: str, values: Array, shape: Sequence[int]) -> Array:
    if values.shape == tuple(shape):
        return values.reshape(int(np.prod(shape[:-1])), shape[-1])
    if values.shape == tuple(shape[:-1]):
        return np.broadcast_to(values.reshape(-1, 1), (values.size, shape[-1]))
    raise BadInput(_misfit(what, values, shape))


def _misfit(what: str, values: Array, shape: Sequence[int]) -> str:
    return (
        f"{what} are given for each token, shape {tuple(shape)}, or each row, shape {tuple(shape[:-1])}, "
        f"got {values.shape}"
    )


def _firsts(kept_RT: Bools, documents: _Documents) -> Bools:
    """Tokens that nothing of their own document predicts: the first of rows, and in a row those after another's."""
    first_RT = np.zeros_like(kept_RT)
    first_RT[:, :1] = ~kept_RT[:, :1]  # surprisals that were cut by hand begin with one that counts
    if documents.runs is not None:
        runs = documents.runs[documents.runs % max(kept_RT.shape[1], 1) > 0]
        first_RT.ravel()[runs] = kept_RT.ravel()[runs]
    return first_RT


def _refuse(nats_RT: Floats, wrong_RT: Bools) -> None:
    row, place = (int(index[0]) for index in wrong_RT.nonzero())
    raise BadProbability(
        f"the surprisal at row {row}, place {place} is {nats_RT[row, place]} ({int(wrong_RT.sum())} such tokens); find "
        f"out where it was made, or leave such tokens out with on_nonfinite='exclude'"
    )
