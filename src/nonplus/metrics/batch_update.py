"""From the arrays in a loop to the sums of one batch."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nonplus.errors import BadInput
from nonplus.kernels.dispatch import backend_of
from nonplus.kernels.head_nll import head_nll
from nonplus.kernels.masked import refuse_masked, with_mask
from nonplus.kernels.token_nll import TokenNats, token_nll
from nonplus.measure.records import Bools, Floats
from nonplus.metrics.accumulator import Accumulator
from nonplus.metrics.batch_sums import ArrayExtras, batch_sums
from nonplus.metrics.input_checks import Nll, suspect_alignment, suspect_counts, suspect_nats, suspect_rows, warn
from nonplus.metrics.options import MetricOptions, NonfiniteBecome
from nonplus.metrics.to_numpy import as_numpy, concrete


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchExtras:
    """What a batch may have besides scores: any kind of array; see ``ArrayExtras``."""

    mask: Any = None
    weights: Any = None
    n_bytes: Any = None
    n_words: Any = None
    doc_ids: Any = None

    def counts_rows(self, shape: tuple[int, ...]) -> bool:
        """Whether bytes or words are for whole rows of tokens (..., T)."""
        return any(len(shape) > 1 and np.shape(each) == shape[:-1] for each in (self.n_bytes, self.n_words))

    def as_numpy(self) -> ArrayExtras:
        """All but the mask, copied to the CPU.

        Raises:
            BadInput: one of them is a masked array.
        """
        for name in ("weights", "n_bytes", "n_words", "doc_ids"):
            refuse_masked(getattr(self, name), name)
        return ArrayExtras(
            weights=as_numpy(self.weights),
            n_bytes=as_numpy(self.n_bytes),
            n_words=as_numpy(self.n_words),
            doc_ids=as_numpy(self.doc_ids),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """Surprisals (..., T), which of them count, and what they were computed from."""

    nats: Floats
    kept: Bools
    kind: str
    masked: bool
    vocabulary: int | None = None


def scores_batch(options: MetricOptions, x: Any, targets: Any, extras: BatchExtras, *, check: bool) -> Accumulator:
    """The sums of a batch of scores (..., T, V), or of surprisals (kind ``nll``)."""
    if options.kind == "nll":
        return nats_batch(options, x, targets, extras, check=check)

    def nll(x: Any, targets: Any, mask: Any, shift: bool, become: NonfiniteBecome = "nan") -> TokenNats:
        return token_nll(
            x,
            targets,
            kind=options.kind,
            shift=shift,
            ignore_index=options.ignore_index,
            mask=mask,
            on_nonfinite=become,
        )

    targets, extras = _unmasked(targets, extras)
    if targets is None:
        raise BadInput(f"{options.kind} need targets, got none; call update({options.kind}, targets)")
    nats, kept = _as_numpy(nll(x, targets, extras.mask, options.shift, options.nonfinite_become))
    scores = backend_of(x).scores(x)
    vocabulary = scores.shape[-1]
    if check:
        warn(suspect_rows(scores, options.kind))
        _check(options, nll, scores, targets, extras, kept, vocabulary=vocabulary)
    measured = _Measured(nats=nats, kept=kept, kind=options.kind, masked=extras.mask is not None, vocabulary=vocabulary)
    return _summed(options, measured, extras, check=check)


def head_batch(
    options: MetricOptions,
    hidden: Any,
    weight: Any,
    targets: Any,
    extras: BatchExtras,
    *,
    bias: Any,
    scale: float,
    softcap: float | None,
    check: bool,
) -> Accumulator:
    """The sums of a batch of hidden states (..., T, H) under a head, without logits."""

    def nll(hidden: Any, targets: Any, mask: Any, shift: bool, become: NonfiniteBecome = "nan") -> TokenNats:
        return head_nll(
            hidden,
            weight,
            targets,
            bias=bias,
            scale=scale,
            softcap=softcap,
            shift=shift,
            ignore_index=options.ignore_index,
            mask=mask,
            on_nonfinite=become,
        )

    targets, extras = _unmasked(targets, extras)
    nats, kept = _as_numpy(nll(hidden, targets, extras.mask, options.shift, options.nonfinite_become))
    backend = backend_of(hidden)
    vocabulary = backend.scores(weight).shape[0]
    if check:
        _check(options, nll, backend.scores(hidden), targets, extras, kept, vocabulary=vocabulary)
    measured = _Measured(nats=nats, kept=kept, kind="head", masked=extras.mask is not None, vocabulary=vocabulary)
    return _summed(options, measured, extras, check=check)


def nats_batch(options: MetricOptions, nats: Any, targets: Any, extras: BatchExtras, *, check: bool) -> Accumulator:
    """The sums of a batch of surprisals in nats, each at the place of its own token.

    They may be the result of :func:`~nonplus.kernels.token_nll.token_nll`, which states
    which of them count.
    """
    nats, extras = _unmasked(nats, extras)
    targets, extras = _unmasked(targets, extras)
    mask = extras.mask
    if isinstance(nats, TokenNats):
        if mask is not None:
            raise BadInput(
                "the result of token_nll states which tokens count, and got a mask as well; pass the mask to "
                "token_nll, which also excludes the tokens that a masked place would predict"
            )
        nats, mask = nats
    elif isinstance(nats, tuple):
        raise BadInput(
            f"surprisals must be an array or the result of token_nll, got a tuple of {len(nats)}; pass the array, "
            f"and which of them count as the mask: update_nll(nats, mask=kept)"
        )
    if mask is None and (options.shift or (options.ignore_index and targets is None)):
        raise BadInput(
            f"surprisals alone do not tell which of them count, and this metric excludes some "
            f"({options.protocol.signature}); pass the whole result of token_nll, or update_nll(nats, mask=kept)"
        )
    found, kept = _as_numpy(
        token_nll(
            nats,
            targets,
            kind="nll",
            ignore_index=options.ignore_index if targets is not None else None,
            mask=mask,
            on_nonfinite=options.nonfinite_become,
        )
    )
    measured = _Measured(nats=found, kept=kept, kind="nll", masked=mask is not None)
    return _summed(options, measured, extras, check=check)


def _unmasked(values: Any, extras: BatchExtras) -> tuple[Any, BatchExtras]:
    """Values without a mask of their own, which joins that of the batch."""
    plain, mask = with_mask(values, extras.mask)
    return plain, replace(extras, mask=mask)


def _check(
    options: MetricOptions, nll: Nll, x: Any, targets: Any, extras: BatchExtras, kept: Bools, *, vocabulary: int
) -> None:
    """Warn where predictions do not seem to fit their targets."""
    warn(suspect_alignment(nll, x, targets, extras.mask, shift=options.shift, vocabulary=vocabulary))
    if options.shift and extras.counts_rows(kept.shape):
        ids = concrete(backend_of(x).integers(targets, like=x))
        warn(suspect_counts(ids, kept, ignored=options.ignore_index))


def _as_numpy(measured: TokenNats) -> tuple[Floats, Bools]:
    backend = backend_of(measured.nats)
    nats, kept = backend.concrete(measured.nats), backend.concrete(measured.kept)
    if nats is None or kept is None:
        raise BadInput(
            "sums are kept outside of traced computations, got an array without a value; call token_nll inside, and "
            "outside pass its whole result, or update_nll(nats, mask=kept)"
        )
    return nats, kept


def _summed(options: MetricOptions, measured: _Measured, extras: BatchExtras, *, check: bool) -> Accumulator:
    arrays = extras.as_numpy()
    if check:
        warn(suspect_nats(measured.nats, measured.kept, vocabulary=measured.vocabulary))
    sums = batch_sums(
        measured.nats,
        measured.kept,
        arrays,
        shift=options.shift,
        exclude_nonfinite=options.on_nonfinite == "exclude",
    )
    # a weight of 0 excludes a token as a mask does
    masked = measured.masked or (arrays.weights is not None and bool((arrays.weights == 0).any()))
    weighted = any(document.weighted for document in sums.documents)
    protocol = replace(options.protocol, kinds=(measured.kind,), masked=masked, weighted=weighted)
    return Accumulator.of(sums, protocol)
