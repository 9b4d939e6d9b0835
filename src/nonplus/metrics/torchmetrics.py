"""Perplexity as a torchmetrics metric: for Lightning, collections and more."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

from nonplus.errors import BadInput
from nonplus.kernels.token_nll import Kind
from nonplus.measure.report import Report
from nonplus.measure.statistics.tally import Tally
from nonplus.metrics.accumulator import Accumulator
from nonplus.metrics.batch_update import BatchExtras, head_batch, nats_batch, scores_batch
from nonplus.metrics.options import Check, Empty, MetricOptions, OnNonfinite
from nonplus.optional import require

require("torchmetrics", purpose="a torchmetrics metric")

import torch  # noqa: E402
from torch import Tensor  # noqa: E402
from torchmetrics import Metric  # noqa: E402

from nonplus.metrics.torch_state import accumulators, line_of, tensors  # noqa: E402


class Perplexity(Metric):
    """Drop-in replacement for ``torchmetrics.text.Perplexity``.

    ``shift``: scores at ``t`` predict the target at ``t + 1``, as models return them.
    All other options are those of :class:`nonplus.metrics.Perplexity`;
    ``metric_options`` are those of :class:`torchmetrics.Metric`. If no token counts,
    :meth:`compute` raises, unless ``empty="nan"``; in :meth:`forward` the value of such
    a batch is always NaN.

    The state is one line of JSON as bytes: every sum as an integer, and the names of
    documents that may continue. So converting the module to another dtype cannot change
    it, gathering it from all processes is a concatenation, and the addition is exact.
    """

    is_differentiable: bool | None = False
    higher_is_better: bool | None = False
    full_state_update: bool | None = False
    plot_lower_bound: float | None = 1.0

    sums: list[Tensor]  # as torch.jit.script reads it; one tensor once torchmetrics has gathered it

    # torch.jit.script would compile these
    __jit_unused_properties__: ClassVar[list[str]] = [*Metric.__jit_unused_properties__, "tally"]

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
        self._options = MetricOptions(
            kind=kind,
            shift=shift,
            ignore_index=ignore_index,
            check=check,
            on_nonfinite=on_nonfinite,
            empty=empty,
            level=level,
        )
        self._checked = False
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
        """Add a batch of ``preds`` (B, T, V) and the ``target`` (B, T) they predict.

        Places where ``attention_mask`` (B, T) is 0 do not count. ``sample_weight``,
        ``n_bytes`` and ``n_words`` are for each token or each row; bytes and words of a
        row are those of its scored tokens only. ``doc_ids`` name the document of each
        row, or of each token if rows are packed: with ``shift``, the first token of a
        document has nothing of its own document before it, and is not scored. A
        document may recur in later batches and in other processes.

        Raises:
            BadInput: shapes or targets that do not fit, with the place.
            BadProbability: a row that leaves no distribution, with its place.
        """
        extras = BatchExtras(
            mask=attention_mask, weights=sample_weight, n_bytes=n_bytes, n_words=n_words, doc_ids=doc_ids
        )
        check = self._options.checks(checked=self._checked)
        self._add(scores_batch(self._options, preds, target, extras, check=check))

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
        """Add surprisals in nats (B, T), each at the place of its own token.

        ``nats`` may be the result of :func:`nonplus.metrics.token_nll`, which states
        which tokens count. Otherwise a metric with ``shift`` needs a mask, and one with
        ``ignore_index`` a mask or the ``target``.
        """
        extras = BatchExtras(
            mask=attention_mask, weights=sample_weight, n_bytes=n_bytes, n_words=n_words, doc_ids=doc_ids
        )
        check = self._options.checks(checked=self._checked)
        batch = nats_batch(self._options, nats, target, extras, check=check)
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
        """Add hidden states (B, T, H) under a head's ``weight`` (V, H); no logits."""
        extras = BatchExtras(
            mask=attention_mask, weights=sample_weight, n_bytes=n_bytes, n_words=n_words, doc_ids=doc_ids
        )
        check = self._options.checks(checked=self._checked)
        batch = head_batch(
            self._options, hidden, weight, target, extras, bias=bias, scale=scale, softcap=softcap, check=check
        )
        self._updated(1)
        self._add(batch)

    def compute(self) -> Tensor:
        """The perplexity, a float64 scalar (float32 on MPS, which has no other)."""
        options = replace(self._options, empty="nan") if self._one_batch else self._options
        return self._scalar(float(options.report(self._accumulated())))

    def report(self) -> Report:
        """The report on all processes; call it in every process or in none."""
        with self.sync_context(dist_sync_fn=self.dist_sync_fn, should_sync=self.sync_on_compute):
            return self._options.report(self._accumulated())

    @property
    def tally(self) -> Tally:
        """The exact sums of this process."""
        return self._accumulated().tally

    @torch.jit.unused
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Add a batch as in :meth:`update`, and return its own perplexity."""
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
        """Add the sums of another metric, or of its ``metric_state``.

        The other may be of another ``kind``, or exclude what this one refuses: the
        protocol of the report then states both.

        Raises:
            BadInput: it is neither, or its sums were changed.
            BadProtocol: it counts other tokens, because its ``shift`` or
                ``ignore_index`` differs.
        """
        state = incoming_state.metric_state if isinstance(incoming_state, Perplexity) else incoming_state
        if not (isinstance(state, dict) and "sums" in state):
            raise BadInput(
                f"sums are merged from a metric of this class or its metric_state, got {type(incoming_state).__name__}"
                f"{f' of {sorted(state)}' if isinstance(state, dict) else ''}; pass one of them"
            )
        merged = self._accumulated()
        for each in accumulators(tensors(state["sums"])):
            merged.add(each)
        self._write(merged)
        self._updated(incoming_state.update_count if isinstance(incoming_state, Perplexity) else 1)

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather the sums of all processes; see :meth:`torchmetrics.Metric.sync`."""
        # one tensor, on the metric's device, also without a batch: all processes must
        # send the same number of tensors
        if not self._is_synced:
            self._write(self._accumulated())
        super().sync(*args, **kwargs)

    @contextmanager
    def sync_context(self, *args: Any, should_unsync: bool = True, **kwargs: Any) -> Iterator[None]:
        """Hold the sums of all processes inside the block."""
        self.sync(*args, **kwargs)
        try:
            yield
        finally:  # also after an error: a synced metric refuses further batches
            self.unsync(should_unsync=self._is_synced and should_unsync)

    def reset(self) -> None:
        """Remove all batches."""
        self.sums = []
        super().reset()

    def plot(self, val: Tensor | Sequence[Tensor] | None = None, ax: Any = None) -> Any:
        """Plot the perplexity, or several results; returns figure and axes."""
        return self._plot(val, ax)

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = "") -> torch.nn.Module:
        """Move to another device; a value computed before keeps its precision."""
        cached: dict[str, Any] = {"_computed": self._computed, "_forward_cache": self._forward_cache}
        moved = super()._apply(fn, exclude_state)
        for name, value in cached.items():
            setattr(self, name, None if value is None else self._scalar(float(value)))
        return moved

    def _scalar(self, value: float) -> Tensor:
        wide = torch.float32 if self.device.type == "mps" else torch.float64
        return torch.tensor(value, dtype=wide, device=self.device)

    def _restore(self, before: list[Tensor], updates: int) -> None:
        """Restore the state before a :meth:`forward` that raised in torchmetrics."""
        self.sums, self._update_count, self._computed = before, updates, None
        self._is_synced, self._cache = False, None
        self._should_unsync, self._to_sync, self._enable_grad = True, self.sync_on_compute, False

    def _updated(self, times: int) -> None:
        """What torchmetrics does around ``update``, for the other methods."""
        self._computed = None
        self._update_count += times

    def _add(self, batch: Accumulator) -> None:
        self._checked = True
        self.sums = [*self._lines(), line_of(batch, device=self.device)]
        self._fold()

    def _fold(self) -> None:
        """Merge new lines once they are as long as the merged one: linear time."""
        first, *others = self._lines() or [torch.empty(0)]
        if others and sum(map(len, others)) >= len(first):
            self._write(self._accumulated())

    def _accumulated(self) -> Accumulator:
        accumulated = Accumulator(protocol=self._options.protocol)
        for each in accumulators(self._lines()):
            accumulated.add(each)
        return accumulated

    def _write(self, accumulated: Accumulator) -> None:
        self.sums = [line_of(accumulated, device=self.device)]

    def _lines(self) -> list[Tensor]:
        return tensors(self.sums)
