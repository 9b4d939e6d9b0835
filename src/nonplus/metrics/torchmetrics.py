"""Perplexity as a true torchmetrics metric: for Lightning, collections, wrappers and distributed loops."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from nonplus.kernels.token_nll import Kind
from nonplus.measure.statistics.tally import Tally
from nonplus.metrics.accumulator import Accumulator
from nonplus.metrics.batch_update import Extras, head_batch, nats_batch, scores_batch
from nonplus.metrics.options import Check, Empty, MetricOptions, OnNonfinite
from nonplus.metrics.result import Figures
from nonplus.optional import require

require("torchmetrics", purpose="a torchmetrics metric")

import torch  # noqa: E402
from torch import Tensor  # noqa: E402
from torchmetrics import Metric  # noqa: E402


class Perplexity(Metric):
    """Perplexity that takes the place of ``torchmetrics.text.Perplexity``: the same arguments, and more.

    The state is one line of JSON as bytes, which holds every sum as the whole number it is, and the names of documents
    that go on. No conversion of the module to another format can touch it, gathering it from all processes is a
    concatenation, and adding what came together is exact.

    ``shift``: scores at ``t`` predict the target at ``t + 1``, as models give them. All other options are those of
    :class:`nonplus.metrics.Perplexity`; ``metric_options`` are those of :class:`torchmetrics.Metric`. Where nothing
    counts, :meth:`compute` raises, unless ``empty="nan"``; the value of a single such batch in :meth:`forward` is not
    a number in any case.
    """

    is_differentiable: bool | None = False
    higher_is_better: bool | None = False
    full_state_update: bool | None = False
    plot_lower_bound: float | None = 1.0

    sums: list[Tensor] | Tensor  # a tensor once torchmetrics has gathered it

    def __init__(
        self,
        ignore_index: int | Iterable[int] | None = None,
        *,
        kind: Kind = "logits",
        shift: bool = False,
        check: Check = "first",
        on_nonfinite: OnNonfinite = "raise",
        empty: Empty = "raise",
        level: float = 0.95,
        **metric_options: Any,
    ) -> None:
        super().__init__(**metric_options)
        self._choices = MetricOptions(
            kind=kind,
            shift=shift,
            ignore_index=ignore_index,
            check=check,
            on_nonfinite=on_nonfinite,
            empty=empty,
            level=level,
        )
        self._looked = False
        self._one_batch = False
        self.add_state("sums", default=[], dist_reduce_fx="cat")

    def update(
        self,
        preds: Any,
        target: Any = None,
        *,
        attention_mask: Any = None,
        sample_weight: Any = None,
        n_bytes: Any = None,
        n_words: Any = None,
        doc_ids: Any = None,
    ) -> None:
        """Count a batch of ``preds`` (B, T, V) and the ``target`` (B, T) that they predict.

        Places where ``attention_mask`` (B, T) is zero do not count. ``sample_weight``, ``n_bytes`` and ``n_words`` are
        for each token or each row; bytes and words of a row are those of its scored tokens alone. ``doc_ids`` name the
        document of each row, or of each token where rows are packed: with ``shift`` the first token of a document has
        nothing of its own before it, and is not scored. A document may go on in later batches and in other processes.

        Raises:
            BadInput: shapes or targets that do not fit, with the place.
            BadProbability: a row that leaves no distribution, with its place.
        """
        extras = Extras(mask=attention_mask, weights=sample_weight, n_bytes=n_bytes, n_words=n_words, doc_ids=doc_ids)
        self._add(scores_batch(self._choices, preds, target, extras, look=self._choices.looks(self._looked)))

    def update_nll(
        self,
        nats: Any,
        target: Any = None,
        *,
        attention_mask: Any = None,
        sample_weight: Any = None,
        n_bytes: Any = None,
        n_words: Any = None,
        doc_ids: Any = None,
    ) -> None:
        """Count surprisals in nats (B, T), each in the place of the token that it is of; ``shift`` moves none.

        ``nats`` may be what :func:`nonplus.metrics.token_nll` gave, which says itself what counts. Else, where the
        metric shifts, there has to be a mask, and where it ignores, a mask or ``target``.
        """
        extras = Extras(mask=attention_mask, weights=sample_weight, n_bytes=n_bytes, n_words=n_words, doc_ids=doc_ids)
        batch = nats_batch(self._choices, nats, target, extras, look=self._choices.looks(self._looked))
        self._updated(1)
        self._add(batch)

    def update_head(
        self,
        hidden: Any,
        weight: Any,
        target: Any,
        *,
        bias: Any = None,
        scale: float = 1.0,
        softcap: float | None = None,
        attention_mask: Any = None,
        sample_weight: Any = None,
        n_bytes: Any = None,
        n_words: Any = None,
        doc_ids: Any = None,
    ) -> None:
        """Count hidden states (B, T, H) under a head's ``weight`` (V, H), without ever forming the logits."""
        extras = Extras(mask=attention_mask, weights=sample_weight, n_bytes=n_bytes, n_words=n_words, doc_ids=doc_ids)
        look, given = self._choices.looks(self._looked), (self._choices, hidden, weight, target, extras)
        batch = head_batch(*given, bias=bias, scale=scale, softcap=softcap, look=look)
        self._updated(1)
        self._add(batch)

    def compute(self) -> Tensor:
        """The perplexity, a float64 scalar (float32 on MPS, which has no other)."""
        choices = replace(self._choices, empty="nan") if self._one_batch else self._choices
        return self._scalar(float(choices.figures(self._held())))

    def figures(self) -> Figures:
        """All figures with their conditions. Like :meth:`compute`, it is called in every process or in none."""
        with self.sync_context(dist_sync_fn=self.dist_sync_fn, should_sync=self.sync_on_compute):
            return self._choices.figures(self._held())

    @property
    def tally(self) -> Tally:
        """The exact sums of this process."""
        return self._held().tally

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Count a batch as :meth:`update` does, and give the perplexity of this batch alone."""
        before, updates, on_cpu = self._lines(), self._update_count, self.compute_on_cpu
        self._one_batch = True
        try:
            value = super().forward(*args, **kwargs)
        except BaseException:
            self._restore(before, updates)
            self.compute_on_cpu = on_cpu
            raise
        finally:
            self._one_batch = False
        self._fold()
        return value

    def merge_state(self, incoming_state: dict[str, Any] | Metric) -> None:
        """Take in what another metric, or its ``metric_state``, has counted.

        The other may be of another ``kind``, or leave out what this one refuses: the conditions then say both.

        Raises:
            BadProtocol: it counts other tokens, because its ``shift`` or ``ignore_index`` is another.
        """
        before = self._lines()
        super().merge_state(incoming_state)
        try:
            self._write(self._held())
        except ValueError:
            self.sums = before
            raise
        self._updated(incoming_state.update_count if isinstance(incoming_state, Metric) else 1)

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather the sums of all processes; see :meth:`torchmetrics.Metric.sync`."""
        # one tensor, on the device of the metric, also where nothing came: processes must not differ in what they send
        if not self._is_synced:
            self._write(self._held())
        super().sync(*args, **kwargs)

    @contextmanager
    def sync_context(self, *args: Any, should_unsync: bool = True, **kwargs: Any) -> Iterator[None]:
        """Hold the sums of all processes for a while; see :meth:`torchmetrics.Metric.sync_context`."""
        self.sync(*args, **kwargs)
        try:
            yield
        finally:  # also after an error, or this process could count no more
            self.unsync(should_unsync=self._is_synced and should_unsync)

    def reset(self) -> None:
        """Begin again from nothing."""
        self.sums = []
        super().reset()

    def plot(self, val: Tensor | Sequence[Tensor] | None = None, ax: Any = None) -> Any:
        """Plot the perplexity, or several that :meth:`forward` or :meth:`compute` gave; a figure and its axes."""
        return self._plot(val, ax)

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = "") -> torch.nn.Module:
        """Move to another device; a value computed before stays as precise as it was."""
        cached: dict[str, Any] = {"_computed": self._computed, "_forward_cache": self._forward_cache}
        moved = super()._apply(fn, exclude_state)
        for name, value in cached.items():
            setattr(self, name, None if value is None else self._scalar(float(value)))
        return moved

    def _scalar(self, value: float) -> Tensor:
        wide = torch.float32 if self.device.type == "mps" else torch.float64
        return torch.tensor(value, dtype=wide, device=self.device)

    def _restore(self, before: list[Tensor], updates: int) -> None:
        """Go back to where torchmetrics was before a :meth:`forward` that it left half-way."""
        self.sums, self._update_count, self._computed = before, updates, None
        self._is_synced, self._cache = False, None
        self._should_unsync, self._to_sync, self._enable_grad = True, self.sync_on_compute, False

    def _updated(self, times: int) -> None:
        """What torchmetrics does around :meth:`update`, for what it does not know to be one."""
        self._computed = None
        self._update_count += times

    def _add(self, batch: Accumulator) -> None:
        self._looked = True
        self.sums = [*self._lines(), self._line(batch)]
        self._fold()

    def _fold(self) -> None:
        """Add up what came one by one, as soon as it is as long as what has been added up: linear in all."""
        first, *others = self._lines() or [torch.empty(0)]
        if others and sum(map(len, others)) >= len(first):
            self._write(self._held())

    def _held(self) -> Accumulator:
        held = Accumulator(conditions=self._choices.conditions)
        for tensor in self._lines():
            for line in tensor.to("cpu", torch.uint8).numpy().tobytes().splitlines():
                held.add(Accumulator.of_json(json.loads(line)))
        return held

    def _write(self, held: Accumulator) -> None:
        self.sums = [self._line(held)]

    def _line(self, held: Accumulator) -> Tensor:
        line = bytearray(json.dumps(held.as_json(), separators=(",", ":")).encode("ascii") + b"\n")
        return torch.frombuffer(line, dtype=torch.uint8).to(self.device)

    def _lines(self) -> list[Tensor]:
        return [self.sums] if isinstance(self.sums, Tensor) else list(self.sums)
