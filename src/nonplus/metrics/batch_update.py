"""From what a loop has at hand to the sums of one batch."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nonplus.errors import BadInput
from nonplus.kernels.dispatch import backend_of
from nonplus.kernels.head_nll import head_nll
from nonplus.kernels.token_nll import TokenNats, token_nll
from nonplus.measure.records import Floats
from nonplus.metrics.accumulator import Accumulator
from nonplus.metrics.batch_sums import Array, Beside, Bools, batch_sums
from nonplus.metrics.input_checks import Nll, suspect_alignment, suspect_counts, suspect_nats, suspect_rows, warn
from nonplus.metrics.options import MetricOptions, _Become
from nonplus.metrics.to_numpy import on_host


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What may come beside a batch, in any kind of array: see :class:`~nonplus.metrics.batch_sums.Beside`."""

    mask: Any = None
    weights: Any = None
    n_bytes: Any = None
    n_words: Any = None
    doc_ids: Any = None

    def counts_rows(self, shape: tuple[int, ...]) -> bool:
        """Whether bytes or words came for whole rows of tokens (..., T)."""
        return any(len(shape) > 1 and np.shape(each) == shape[:-1] for each in (self.n_bytes, self.n_words))

    def on_host(self) -> Beside:
        """All but the mask, as NumPy arrays."""
        return Beside(
            weights=on_host(self.weights),
            n_bytes=on_host(self.n_bytes),
            n_words=on_host(self.n_words),
            doc_ids=on_host(self.doc_ids),
        )


def scores_batch(options: MetricOptions, x: Any, targets: Any, extras: Extras, *, look: bool) -> Accumulator:
    """The sums of a batch of scores over a vocabulary, shape (..., T, V), or what else the chosen kind is."""
    if options.kind == "nll":
        return nats_batch(options, x, targets, extras, look=look)

    def nll(x: Any, targets: Any, mask: Any, shift: bool, become: _Become = "nan") -> TokenNats:
        return token_nll(
            x,
            targets,
            kind=options.kind,
            shift=shift,
            ignore_index=options.ignore_index,
            mask=mask,
            on_nonfinite=become,
        )

    if targets is None:
        raise BadInput(f"{options.kind} predict targets, and none came; give update({options.kind}, targets)")
    measured = _brought(nll(x, targets, extras.mask, options.shift, options.nonfinite_become))
    backend = backend_of(x)
    scores = backend.scores(x)
    vocabulary = scores.shape[-1]
    if look:
        warn(suspect_rows(scores, options.kind))
        _look(options, nll, scores, targets, extras, measured[1], vocabulary=vocabulary)
    masked = extras.mask is not None
    return _summed(options, measured, extras, kind=options.kind, masked=masked, vocabulary=vocabulary, look=look)


def head_batch(
    options: MetricOptions,
    hidden: Any,
    weight: Any,
    targets: Any,
    extras: Extras,
    *,
    bias: Any,
    scale: float,
    softcap: float | None,
    look: bool,
) -> Accumulator:
    """The sums of a batch of hidden states, shape (..., T, H), under a head; logits are never formed."""

    def nll(hidden: Any, targets: Any, mask: Any, shift: bool, become: _Become = "nan") -> TokenNats:
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

    measured = _brought(nll(hidden, targets, extras.mask, options.shift, options.nonfinite_become))
    backend = backend_of(hidden)
    vocabulary = backend.scores(weight).shape[0]
    if look:
        _look(options, nll, backend.scores(hidden), targets, extras, measured[1], vocabulary=vocabulary)
    masked = extras.mask is not None
    return _summed(options, measured, extras, kind="head", masked=masked, vocabulary=vocabulary, look=look)


def _look(
    options: MetricOptions, nll: Nll, x: Any, targets: Any, extras: Extras, kept: Bools, *, vocabulary: int
) -> None:
    """What predictions beside their targets let one suspect."""
    warn(suspect_alignment(nll, x, targets, extras.mask, shift=options.shift, vocabulary=vocabulary))
    if options.shift and extras.counts_rows(kept.shape):
        backend = backend_of(x)
        ids = backend.concrete(backend.integers(targets, like=x))
        warn(suspect_counts(ids, kept, ignored=options.ignore_index))


def nats_batch(options: MetricOptions, nats: Any, targets: Any, extras: Extras, *, look: bool) -> Accumulator:
    """The sums of a batch of surprisals in nats, each in the place of the token that it is of.

    They may be what :func:`~nonplus.kernels.token_nll.token_nll` gave, which knows itself what counts.
    """
    mask = extras.mask
    if isinstance(nats, TokenNats):
        if mask is not None:
            raise BadInput(
                "what token_nll gave says itself what counts, and a mask came beside it; give the mask to token_nll, "
                "which leaves out as well what a masked place would predict"
            )
        nats, mask = nats
    elif isinstance(nats, tuple):
        raise BadInput(
            f"surprisals are an array, or what token_nll gave, got a tuple of {len(nats)}; give the array, and with "
            f"what counts in it: update_nll(nats, mask=kept)"
        )
    if mask is None and (options.shift or (options.ignore_index and targets is None)):
        raise BadInput(
            f"surprisals alone do not tell which of them count, and this metric excludes some "
            f"({options.protocol.signature}); pass all that token_nll returned, or update_nll(nats, mask=kept)"
        )
    measured = token_nll(
        nats,
        targets,
        kind="nll",
        ignore_index=options.ignore_index if targets is not None else None,
        mask=mask,
        on_nonfinite=options.nonfinite_become,
    )
    brought, masked = _brought(measured), mask is not None
    return _summed(options, brought, extras, kind="nll", masked=masked, vocabulary=None, look=look)


def _brought(measured: TokenNats) -> tuple[Floats, Bools]:
    """What was measured, on the host."""
    backend = backend_of(measured.nats)
    nats, kept = backend.concrete(measured.nats), backend.concrete(measured.kept)
    if nats is None or kept is None:
        raise BadInput(
            "sums are kept outside of traced computations, got an array without a value; inside, call token_nll, and "
            "outside give what it gave, whole, or update_nll(nats, mask=kept)"
        )
    return nats, kept


def _summed(
    options: MetricOptions,
    measured: tuple[Floats, Bools],
    extras: Extras,
    *,
    kind: str,
    masked: bool,
    vocabulary: int | None,
    look: bool,
) -> Accumulator:
    nats, kept = measured
    beside = extras.on_host()
    if look:
        warn(suspect_nats(nats, kept, vocabulary=vocabulary))
    sums = batch_sums(nats, kept, beside, shift=options.shift, exclude_nonfinite=options.on_nonfinite == "exclude")
    # a weight of zero leaves out as a mask does
    none, others = (False, False) if beside.weights is None else _weights_say(beside.weights)
    protocol = replace(options.protocol, kinds=(kind,), masked=masked or none, weighted=others)
    return Accumulator.of(sums, protocol)


def _weights_say(weights: Array) -> tuple[bool, bool]:
    """Whether some are zero, and whether some are neither that nor one."""
    return bool((weights == 0).any()), bool(((weights != 0) & (weights != 1)).any())
