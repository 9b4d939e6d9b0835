"""Target ids: valid ones, those that count, and the scores that predict them.

Integers only.

Letters in shapes: T time, V vocabulary.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.kernels.backends import Backend
from nonplus.measure.records import Ints


class Aligned(NamedTuple):
    """``kept`` lies under the targets, ``target`` and ``counted`` under the scores."""

    kept: Any
    target: Any
    counted: Any


def aligned(
    backend: Backend,
    target: Any,
    *,
    ignore_index: int | Iterable[int] | None,
    mask: Any,
    shift: bool,
) -> Aligned:
    """Each target under the scores that predict it: ``shift`` moves integers only."""
    xp = backend.namespace(target)
    kept = _kept(backend, target, ignored_ids(ignore_index), mask, shift=shift)
    return Aligned(kept, _earlier(xp, target), _earlier(xp, kept)) if shift else Aligned(kept, target, kept)


def as_ids(tokens: Sequence[int]) -> Ints:
    """Token ids as an array, shape (T,).

    Raises:
        BadInput: they are not whole numbers in one row: ids are never rounded.
    """
    ids = np.asarray(tokens)
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise BadInput(
            f"token ids are whole numbers, one after the other, got {ids.dtype} of shape {ids.shape}; "
            "give the ids that the model's own tokenizer encodes a text to"
        )
    return ids.astype(np.int64)


def check_ids(ids: Ints, vocabulary: int) -> None:
    """Refuse ids that the vocabulary does not have.

    Raises:
        BadInput: there is one; the message gives its index.
    """
    outside = (ids < 0) | (ids >= vocabulary)
    if outside.any():
        index = int(np.flatnonzero(outside)[0])
        raise BadInput(
            f"token id {ids.flat[index]} at index {index} is outside the model's vocabulary of {vocabulary}; "
            f"encode the text with the model's own tokenizer"
        )


def ignored_ids(ignore_index: int | Iterable[int] | None) -> tuple[int, ...]:
    """The ids that ``ignore_index`` names."""
    if ignore_index is None:
        return ()
    ids = np.asarray(list(ignore_index) if isinstance(ignore_index, Set | Iterator) else ignore_index)
    if ids.size and ids.dtype.kind not in "iu":
        raise BadInput(f"ignore_index is an id or several, got {ignore_index!r}; use None to ignore nothing")
    return tuple(map(int, ids.reshape(-1).tolist()))


def _kept(backend: Backend, target: Any, ignored: tuple[int, ...], mask: Any, *, shift: bool) -> Any:
    xp = backend.namespace(target)
    kept = target == target
    for each in ignored:
        kept = kept & (target != each)
    if shift:
        kept = kept & later(xp, target == target)
    if mask is None:
        return kept
    marks = backend.integers(mask, like=target)
    _check_mask(backend, marks, tuple(target.shape))
    real = marks != 0
    return kept & real & later(xp, real) if shift else kept & real


def _check_mask(backend: Backend, marks: Any, shape: tuple[int, ...]) -> None:
    if tuple(marks.shape) != shape:
        raise BadInput(
            f"a mask has the shape of the targets, {shape}, got {tuple(marks.shape)}; give the mask of the same tokens"
        )
    wrong = backend.concrete((marks != 0) & (marks != 1))
    if wrong is not None and wrong.any():
        place = first_place(wrong)
        raise BadInput(
            f"a mask is 1 where a token counts and 0 elsewhere, got {int(marks[place])} at {shown(place)}; "
            f"convert a mask that is added to scores, or that numbers packed documents"
        )


def later(xp: Any, values: Any) -> Any:
    """Each value one position to the right; the first becomes 0."""
    return xp.concat([xp.zeros_like(values[..., :1]), values[..., :-1]], axis=-1)


def _earlier(xp: Any, values: Any) -> Any:
    """Each value one position to the left; the last becomes 0."""
    return xp.concat([values[..., 1:], xp.zeros_like(values[..., :1])], axis=-1)


def check_targets(backend: Backend, at: Aligned, vocabulary: int, *, shift: bool) -> None:
    """Refuse targets that count and are not in the vocabulary, unless traced.

    Raises:
        BadInput: the first such target and its position.
    """
    outside = backend.concrete(at.counted & ((at.target < 0) | (at.target >= vocabulary)))
    if outside is None or not outside.any():
        return
    place = first_place(outside)
    found = int(at.target[place])
    where = shown((*place[:-1], place[-1] + shift))
    if found < 0:
        raise BadInput(
            f"target {found} at {where} is not a token id of the vocabulary of {vocabulary}; "
            f"exclude targets that do not count with ignore_index={found} or a mask"
        )
    raise BadInput(
        f"target {found} at {where} is outside the vocabulary of {vocabulary} that the scores cover; "
        f"use the tokenizer of the model that gave the scores"
    )


def first_place(marked: NDArray[Any]) -> tuple[int, ...]:
    """The index of the first true value."""
    return tuple(int(i) for i in np.unravel_index(int(marked.argmax()), marked.shape))


def shown(place: tuple[int, ...]) -> str:
    """An index as it is written in Python."""
    return f"[{', '.join(map(str, place))}]"
