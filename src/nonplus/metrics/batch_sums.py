"""From the surprisals of a batch to whole numbers for each document in it.

Nothing here loops over tokens. Letters in shapes: R rows of a batch, T time, D
documents.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput, BadProbability
from nonplus.measure.records import Bools, Floats, Ints
from nonplus.measure.statistics.fixed_point import BITS, bounded_product, run_sums, units
from nonplus.measure.statistics.sums import Sums, SumsOfTexts, first_places

Array = NDArray[Any]

# weights other than 0: a lighter one would be rounded by more than a millionth
_LIGHTEST, _HEAVIEST = 2.0**-20, 2.0**40


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayExtras:
    """What a batch may have besides surprisals (..., T), as NumPy arrays.

    ``weights``, ``n_bytes`` and ``n_words`` are for each token, (..., T), or each row,
    (...). Those of a token that is not scored do not count; bytes and words of a row
    are those of its scored tokens only. ``doc_ids``, of either shape, name documents;
    without them each row is a document.
    """

    weights: Array | None = None
    n_bytes: Array | None = None
    n_words: Array | None = None
    doc_ids: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSums:
    """Sums over each document of a batch, or each run of tokens of one.

    ``names`` are the documents' names; ``None`` where rows are documents without a
    name. ``zeros`` and ``nonfinite`` locate the first tokens of probability 0 and those
    without a distribution: the document's name, or the number of its row, and the place
    in the row.
    """

    documents: tuple[Sums, ...]
    names: tuple[str, ...] | None
    zeros: tuple[tuple[Any, int], ...]
    nonfinite: tuple[tuple[Any, int], ...]


def batch_sums(nats: Floats, kept: Bools, extras: ArrayExtras, *, shift: bool, exclude_nonfinite: bool) -> BatchSums:
    """Sum surprisals (..., T) over documents; a token of weight 0 is ignored.

    With ``shift``, a token was predicted from the one before it. Where documents share
    a row, the first token of each was predicted from another document, and is not
    scored.

    Raises:
        BadInput: a shape that does not fit; an invalid weight, count or name.
        BadProbability: a surprisal that is NaN or negative infinity, with its place,
            unless those are excluded.
    """
    shape = nats.shape
    if not shape:
        raise BadInput("surprisals need the shape (..., T), tokens in rows; got a single number: pass a row of one")
    table = (int(np.prod(shape[:-1])), shape[-1])
    nats_RT, kept_RT = nats.astype(np.float64, copy=False).reshape(table), kept.reshape(table)
    documents = _documents(extras.doc_ids, shape)
    first_RT = _firsts(kept_RT, documents) if shift else np.zeros_like(kept_RT)
    weight_RT = _weights(extras.weights, shape)
    kept_RT = kept_RT & ~first_RT
    kept_RT = kept_RT if weight_RT is None else kept_RT & (weight_RT > 0)
    finite_RT = kept_RT & np.isfinite(nats_RT)
    zero_RT = kept_RT & ~finite_RT & (nats_RT > 0)
    nonfinite_RT = kept_RT & ~finite_RT & ~zero_RT
    if nonfinite_RT.any() and not exclude_nonfinite:
        _refuse(nats_RT, nonfinite_RT)
    scored_RT = finite_RT | zero_RT
    known_RT = nats_RT if finite_RT.all() else np.where(finite_RT, nats_RT, 0.0)
    columns = {
        **_weighted_sums(known_RT, weight_RT, scored_RT, documents),
        **_text_sums(extras, scored_RT, documents, shape),
        "scored": documents.counts(scored_RT),
        "unscored": documents.counts(first_RT),
        "ignored": documents.counts(~kept_RT & ~first_RT),
        "zeros": documents.counts(zero_RT),
        "nonfinite": documents.counts(nonfinite_RT),
    }
    return BatchSums(
        documents=tuple(SumsOfTexts(columns, len(documents.offsets) - 1)),
        names=documents.names,
        zeros=documents.places(zero_RT),
        nonfinite=documents.places(nonfinite_RT),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Documents:
    """The document of each token: tokens ``[offsets[d], offsets[d + 1])`` belong to d.

    A name may occur more than once. ``packed``: documents may share a row, and each
    token was named.
    """

    names: tuple[str, ...] | None
    offsets: Ints
    packed: bool = False

    def sums(self, values_RT: Array) -> list[int]:
        """Sums over each document, exact."""
        sums: list[int] = run_sums(values_RT.ravel(), self.offsets).tolist()
        return sums

    def counts(self, marked_RT: Bools) -> list[int]:
        """How many tokens of each document are marked."""
        lengths: list[int] = np.diff(self.offsets).tolist()
        if marked_RT.all():
            return lengths
        return self.sums(marked_RT) if marked_RT.any() else [0] * len(lengths)

    def places(self, marked_RT: Bools) -> tuple[tuple[Any, int], ...]:
        """The first marked tokens, each as its document and its place in the row."""
        return first_places(self._all_places(marked_RT)) if marked_RT.any() else ()

    def _all_places(self, marked_RT: Bools) -> Iterator[tuple[Any, int]]:
        places = marked_RT.nonzero()[1]
        documents = np.searchsorted(self.offsets, marked_RT.ravel().nonzero()[0], side="right") - 1
        for document, place in zip(documents.tolist(), places.tolist(), strict=True):
            yield document if self.names is None else self.names[document], place


def _documents(doc_ids: Array | None, shape: Sequence[int]) -> _Documents:
    offsets = np.arange(int(np.prod(shape[:-1])) + 1, dtype=np.int64) * shape[-1]
    if doc_ids is None:
        return _Documents(names=None, offsets=offsets)
    if doc_ids.dtype.kind not in "iuU":
        raise BadInput(f"doc_ids must be integers or strings, got an array of {doc_ids.dtype}")
    if doc_ids.shape == tuple(shape[:-1]):
        return _Documents(names=tuple(map(str, doc_ids.ravel().tolist())), offsets=offsets)
    if doc_ids.shape == tuple(shape):
        flat = doc_ids.ravel()
        starts = np.concatenate([np.zeros(min(len(flat), 1), np.int64), 1 + (flat[1:] != flat[:-1]).nonzero()[0]])
        names = tuple(map(str, flat[starts].tolist()))
        return _Documents(names=names, offsets=np.append(starts, len(flat)), packed=True)
    raise BadInput(_misfit("doc_ids", doc_ids, shape))


def _weighted_sums(
    known_RT: Floats, weight_RT: Floats | None, scored_RT: Bools, documents: _Documents
) -> dict[str, list[int]]:
    if weight_RT is None:
        scored = documents.counts(scored_RT)
        return {
            "nats": documents.sums(units(known_RT)),
            "tokens": [n << BITS for n in scored],
            "squares": documents.sums(units(bounded_product(known_RT, known_RT))),
        }
    weighted_RT = bounded_product(known_RT, weight_RT)
    return {
        "nats": documents.sums(units(weighted_RT)),
        "tokens": documents.sums(units(weight_RT * scored_RT)),
        "squares": documents.sums(units(bounded_product(weighted_RT, known_RT))),
        "weighted": documents.counts(scored_RT & (weight_RT != 1)),
    }


def _text_sums(
    extras: ArrayExtras, scored_RT: Bools, documents: _Documents, shape: Sequence[int]
) -> dict[str, list[int]]:
    """The bytes and words of each document, or how many scored tokens came without."""
    found = {}
    if extras.n_bytes is not None:
        found["bytes"] = _counts("n_bytes", extras.n_bytes, scored_RT, documents, shape)
    else:
        found["unsized"] = documents.counts(scored_RT)
    if extras.n_words is not None:
        found["words"] = _counts("n_words", extras.n_words, scored_RT, documents, shape)
    else:
        found["unworded"] = documents.counts(scored_RT)
    return found


def _counts(name: str, counts: Array, scored_RT: Bools, documents: _Documents, shape: Sequence[int]) -> list[int]:
    """The bytes or words of the scored tokens of each document."""
    if counts.dtype.kind not in "iu" or (counts < 0).any():
        raise BadInput(f"{name} must be integers from 0 on, got {counts.dtype} from {counts.min(initial=0)} on")
    if counts.shape == tuple(shape):
        return documents.sums(np.where(scored_RT, counts.reshape(scored_RT.shape), 0).astype(np.int64))
    if documents.packed:
        raise BadInput(f"where documents share rows, {name} must be for each token, shape {tuple(shape)}")
    counts_RT = _for_each_token(name, counts, shape)
    return (counts_RT[:, 0] * scored_RT.any(axis=1)).tolist() if shape[-1] else [0] * len(counts_RT)


def _weights(weights: Array | None, shape: Sequence[int]) -> Floats | None:
    if weights is None:
        return None
    if not np.can_cast(weights.dtype, np.float64, "same_kind"):
        raise BadInput(f"weights must be numbers, got an array of {weights.dtype}")
    weight_RT = _for_each_token("weights", weights, shape).astype(np.float64)
    wrong_RT = ~(np.isfinite(weight_RT) & (weight_RT >= 0))
    if wrong_RT.any():
        raise BadInput(
            f"weights must be finite and not negative, got {weight_RT[wrong_RT][0]}; use weight 0 to ignore a token"
        )
    beyond_RT = (weight_RT != 0) & ((weight_RT < _LIGHTEST) | (weight_RT > _HEAVIEST))
    if beyond_RT.any():
        weight = weight_RT[beyond_RT][0]
        raise BadInput(
            f"weights are rounded to 2**-40 and must be 0 or between 2**-20 and 2**40, got {weight:g}; scale all "
            f"{'up' if weight < 1 else 'down'} by the same factor, which changes no perplexity"
        )
    return weight_RT


def _for_each_token(name: str, values: Array, shape: Sequence[int]) -> Array:
    if values.shape == tuple(shape):
        return values.reshape(int(np.prod(shape[:-1])), shape[-1])
    if values.shape == tuple(shape[:-1]):
        return np.broadcast_to(values.reshape(-1, 1), (values.size, shape[-1]))
    raise BadInput(_misfit(name, values, shape))


def _misfit(name: str, values: Array, shape: Sequence[int]) -> str:
    return (
        f"{name} must be for each token, shape {tuple(shape)}, or each row, shape {tuple(shape[:-1])}; "
        f"got {values.shape}"
    )


def _firsts(kept_RT: Bools, documents: _Documents) -> Bools:
    """Tokens at the beginning of a row or after one of another document."""
    first_RT = np.zeros(kept_RT.shape, bool)  # in C order, of which ravel is a view
    first_RT[:, :1] = ~kept_RT[:, :1]  # surprisals that were sliced by hand begin with one that counts
    starts = documents.offsets[:-1]
    inside_row = starts[starts % max(kept_RT.shape[1], 1) > 0]
    first_RT.ravel()[inside_row] = kept_RT.ravel()[inside_row]
    return first_RT


def _refuse(nats_RT: Floats, wrong_RT: Bools) -> None:
    row, place = (int(index[0]) for index in wrong_RT.nonzero())
    raise BadProbability(
        f"the surprisal at row {row}, place {place} is {nats_RT[row, place]} ({int(wrong_RT.sum())} such tokens); find "
        f"out where it was computed, or exclude such tokens with on_nonfinite='exclude'"
    )
