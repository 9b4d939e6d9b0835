"""From what a loop has at hand to the sums of one batch."""

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from nonplus.errors import BadInput
from nonplus.kernels.head_nll import head_nll
from nonplus.kernels.token_nll import Kind, TokenNats, backend_of, ignored_ids, token_nll
from nonplus.metrics.accumulator import Accumulator
from nonplus.metrics.checks import suspect_alignment, suspect_nats, suspect_rows, warn
from nonplus.metrics.figures import Conditions, Figures
from nonplus.metrics.sums import Array, Beside, Bools, batch_sums
from nonplus.records import Floats

Check = Literal["first", "always", "never"]
OnNonfinite = Literal["raise", "exclude"]
Empty = Literal["raise", "nan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a metric is told once. ``ignore_index`` is an id, several, or ``None``.

    Raises:
        BadInput: an option that there is not.
    """

    kind: Kind = "logits"
    shift: bool = False
    ignore_index: Any = None
    check: Check = "first"
    on_nonfinite: OnNonfinite = "raise"
    empty: Empty = "raise"
    level: float = 0.95

    def __post_init__(self) -> None:
        for name, allowed in (("kind", Kind), ("check", Check), ("on_nonfinite", OnNonfinite), ("empty", Empty)):
            if getattr(self, name) not in get_args(allowed):
                raise BadInput(f"{name} is one of {', '.join(get_args(allowed))}, got {getattr(self, name)!r}")
        if not isinstance(self.shift, bool):
            raise BadInput(f"shift is True or False, got {self.shift!r}")
        if self.shift and self.kind == "nll":
            raise BadInput("surprisals stand in the place of their own token, so nothing is to shift; leave shift out")
        if not 0 < self.level < 1:
            raise BadInput(f"level is the part of intervals that hold the truth, such as 0.95, got {self.level!r}")
        object.__setattr__(self, "ignore_index", ignored_ids(self.ignore_index))

    @property
    def conditions(self) -> Conditions:
        """The conditions before anything came."""
        return Conditions(shift=self.shift, ignore_index=self.ignore_index)

    @property
    def nonfinite_become(self) -> Literal["raise", "nan"]:
        """What the kernel is to do with rows that leave no distribution."""
        return "nan" if self.on_nonfinite == "exclude" else "raise"

    def looks(self, looked: bool) -> bool:
        """Whether to look at a batch, where one was or was not looked at before."""
        return self.check == "always" or (self.check == "first" and not looked)

    def figures(self, accumulated: Accumulator) -> Figures:
        """What has been accumulated says.

        Raises:
            BadInput: nothing counts, and ``empty`` is ``raise``.
        """
        tally = accumulated.tally
        if not tally.tokens and self.empty == "raise":
            came = (
                f"{tally.ignored + tally.unscored} that do not ({accumulated.conditions})" if tally.ignored else "none"
            )
            raise BadInput(
                f"a perplexity is of tokens that count, got {came}; update with some first, or say empty='nan' for a "
                f"result that is not a number"
            )
        return Figures(tally=tally, conditions=accumulated.conditions, level=self.level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What may come beside a batch, in any kind of array: see :class:`~nonplus.metrics.sums.Beside`."""

    mask: Any = None
    weights: Any = None
    n_bytes: Any = None
    n_words: Any = None
    doc_ids: Any = None

    def on_host(self) -> Beside:
        """All but the mask, as NumPy arrays."""
        return Beside(
            weights=_host(self.weights),
            n_bytes=_host(self.n_bytes),
            n_words=_host(self.n_words),
            doc_ids=_host(self.doc_ids),
        )


def scores_batch(choices: Choices, x: Any, targets: Any, extras: Extras, *, look: bool) -> Accumulator:
    """The sums of a batch of scores over a vocabulary, shape (..., T, V), or what else the chosen kind is."""
    if choices.kind == "nll":
        return nats_batch(choices, x, targets, extras, look=look)

    def nll(x: Any, targets: Any, mask: Any, shift: bool) -> TokenNats:
        return token_nll(
            x,
            targets,
            kind=choices.kind,
            shift=shift,
            ignore_index=choices.ignore_index,
            mask=mask,
            on_nonfinite=choices.nonfinite_become,
        )

    if targets is None:
        raise BadInput(f"{choices.kind} predict targets, and none came; give update({choices.kind}, targets)")
    measured = _brought(nll(x, targets, extras.mask, choices.shift))
    scores = backend_of(x).scores(x)
    if look:
        warn(suspect_rows(scores, choices.kind))
        warn(suspect_alignment(nll, scores, targets, extras.mask, shift=choices.shift))
    vocabulary = scores.shape[-1]
    return _summed(choices, measured, extras, kind=choices.kind, shift=choices.shift, vocabulary=vocabulary, look=look)


def head_batch(
    choices: Choices,
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

    def nll(hidden: Any, targets: Any, mask: Any, shift: bool) -> TokenNats:
        return head_nll(
            hidden,
            weight,
            targets,
            bias=bias,
            scale=scale,
            softcap=softcap,
            shift=shift,
            ignore_index=choices.ignore_index,
            mask=mask,
            on_nonfinite=choices.nonfinite_become,
        )

    measured = _brought(nll(hidden, targets, extras.mask, choices.shift))
    if look:
        states = backend_of(hidden).scores(hidden)
        warn(suspect_alignment(nll, states, targets, extras.mask, shift=choices.shift))
    vocabulary = weight.shape[0]
    return _summed(choices, measured, extras, kind="head", shift=choices.shift, vocabulary=vocabulary, look=look)


def nats_batch(choices: Choices, nats: Any, targets: Any, extras: Extras, *, look: bool) -> Accumulator:
    """The sums of a batch of surprisals in nats, each in the place of the token that it is of."""
    measured = token_nll(
        nats,
        targets,
        kind="nll",
        ignore_index=choices.ignore_index if targets is not None else None,
        mask=extras.mask,
        on_nonfinite=choices.nonfinite_become,
    )
    return _summed(choices, _brought(measured), extras, kind="nll", shift=False, vocabulary=None, look=look)


def _brought(measured: TokenNats) -> tuple[Floats, Bools]:
    """What was measured, on the host."""
    backend = backend_of(measured.nats)
    nats, kept = backend.concrete(measured.nats), backend.concrete(measured.kept)
    if nats is None or kept is None:
        raise BadInput(
            "sums are kept outside of traced computations, got an array without a value; inside, call token_nll, and "
            "outside update_nll with what it gives"
        )
    return nats, kept


def _summed(
    choices: Choices,
    measured: tuple[Floats, Bools],
    extras: Extras,
    *,
    kind: str,
    shift: bool,
    vocabulary: int | None,
    look: bool,
) -> Accumulator:
    nats, kept = measured
    if look:
        warn(suspect_nats(nats, kept, vocabulary=vocabulary))
    sums = batch_sums(nats, kept, extras.on_host(), shift=shift, exclude_nonfinite=choices.on_nonfinite == "exclude")
    conditions = replace(
        choices.conditions, kinds=(kind,), masked=extras.mask is not None, weighted=extras.weights is not None
    )
    return Accumulator.of(sums, conditions)


def _host(values: Any) -> Array | None:
    """``values`` as a NumPy array; floating point of any width as float64."""
    if values is None or isinstance(values, (list, tuple, str, int, float, np.ndarray, np.generic)):
        return None if values is None else np.asarray(values)
    backend = backend_of(values)
    if "float" in str(values.dtype):
        values = backend.given(values, values == values)
    host: Array | None = backend.concrete(values)
    return host
