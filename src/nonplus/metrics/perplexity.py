"""Perplexity for any loop, over arrays of any kind."""

import json
import reprlib
from dataclasses import asdict
from typing import Any, Self, final

from nonplus.errors import BadInput
from nonplus.kernels.token_nll import Kind
from nonplus.measure.report import Report
from nonplus.measure.statistics.tally import Tally
from nonplus.metrics.accumulator import Accumulator
from nonplus.metrics.batch_update import BatchExtras, head_batch, nats_batch, scores_batch
from nonplus.metrics.options import Check, Empty, MetricOptions, OnNonfinite


@final
class Perplexity:
    """Exact sums over batches in any order and split, and the report that they give.

    ``kind`` is what ``update`` gets for each vocabulary entry: ``logits``, ``logprobs``
    (natural) or ``probs``; or ``nll``, the surprisals of the targets in nats. With
    ``shift``, scores at ``t`` predict the target at ``t + 1``, as models return them.
    Targets equal to (one of) ``ignore_index`` do not count.

    ``check`` sets which batches are checked for probable mistakes: ``first``,
    ``always`` or ``never``; a finding is a :class:`~nonplus.errors.SuspectInput`
    warning. A row that leaves no distribution is refused, or excluded and counted with
    ``on_nonfinite="exclude"``. If no token counts, :meth:`compute` raises, or returns a
    report whose perplexity is ``None`` (as a float, NaN) with ``empty="nan"``.
    ``level`` is that of the interval.
    """

    def __init__(
        self,
        *,
        kind: Kind = "logits",
        shift: bool = False,
        ignore_index: Any = None,
        check: Check = "first",
        on_nonfinite: OnNonfinite = "raise",
        empty: Empty = "raise",
        level: float = 0.95,
    ) -> None:
        self._options = MetricOptions(
            kind=kind,
            shift=shift,
            ignore_index=ignore_index,
            check=check,
            on_nonfinite=on_nonfinite,
            empty=empty,
            level=level,
        )
        self._accumulated = Accumulator(protocol=self._options.protocol)
        self._checked = False

    def update(
        self,
        x: Any,
        targets: Any = None,
        *,
        mask: Any = None,
        weights: Any = None,
        n_bytes: Any = None,
        n_words: Any = None,
        doc_ids: Any = None,
    ) -> None:
        """Add a batch: scores (..., T, V) and the ``targets`` (..., T) they predict.

        Places where ``mask`` (..., T) is 0 do not count. ``weights``, ``n_bytes`` and
        ``n_words`` are for each token or each row. Weights are 0 or between 2**-20 and
        2**40. Bytes and words of a token that is not scored do not count; those of a
        row must be those of its scored tokens only: without masked and ignored tokens
        and, with ``shift``, without its first token.

        ``doc_ids``, integers or strings, name the document of each row, or of each
        token if rows are packed, and may recur in later batches; without them each row
        is a document. With ``shift``, the first token of a document in a packed row has
        nothing of its own document before it, and is not scored. To score it, give the
        separator before it the same name.

        Raises:
            BadInput: shapes or targets that do not fit, with the place.
            BadProbability: a row that leaves no distribution, with its place.
        """
        extras = BatchExtras(mask=mask, weights=weights, n_bytes=n_bytes, n_words=n_words, doc_ids=doc_ids)
        check = self._options.checks(checked=self._checked)
        self._add(scores_batch(self._options, x, targets, extras, check=check))

    def update_nll(
        self,
        nats: Any,
        targets: Any = None,
        *,
        mask: Any = None,
        weights: Any = None,
        n_bytes: Any = None,
        n_words: Any = None,
        doc_ids: Any = None,
    ) -> None:
        """Add surprisals in nats (..., T), each at the place of its own token.

        ``nats`` may be the result of :func:`nonplus.metrics.token_nll`, which states
        which tokens count. Otherwise a metric with ``shift`` needs a ``mask``, and one
        with ``ignore_index`` a mask or the ``targets``, which have no other use here.
        The rest is as in :meth:`update`.
        """
        extras = BatchExtras(mask=mask, weights=weights, n_bytes=n_bytes, n_words=n_words, doc_ids=doc_ids)
        check = self._options.checks(checked=self._checked)
        self._add(nats_batch(self._options, nats, targets, extras, check=check))

    def update_head(
        self,
        hidden: Any,
        weight: Any,
        targets: Any,
        *,
        bias: Any = None,
        scale: float = 1.0,
        softcap: float | None = None,
        mask: Any = None,
        weights: Any = None,
        n_bytes: Any = None,
        n_words: Any = None,
        doc_ids: Any = None,
    ) -> None:
        """Add hidden states (..., T, H) under a head's ``weight`` (V, H); no logits.

        ``bias``, ``scale`` and ``softcap`` are those of
        :func:`nonplus.metrics.head_nll`; the rest is as in :meth:`update`.
        """
        extras = BatchExtras(mask=mask, weights=weights, n_bytes=n_bytes, n_words=n_words, doc_ids=doc_ids)
        check = self._options.checks(checked=self._checked)
        batch = head_batch(
            self._options, hidden, weight, targets, extras, bias=bias, scale=scale, softcap=softcap, check=check
        )
        self._add(batch)

    def merge(self, *others: Self) -> None:
        """Add the sums of other metrics, which are not changed.

        They may be of another ``kind``, or exclude what this one refuses: the protocol
        of the report then states both.

        Raises:
            BadInput: one of them is no such metric.
            BadProtocol: another metric counts other tokens, because its ``shift`` or
                ``ignore_index`` differs.
        """
        for other in others:
            if not isinstance(other, Perplexity):
                raise BadInput(
                    f"a metric is merged with others of its kind, got {type(other).__name__}; update with it"
                )
            self._accumulated.add(other._accumulated)

    def reset(self) -> None:
        """Remove all batches."""
        self._accumulated = Accumulator(protocol=self._options.protocol)

    def compute(self) -> Report:
        """The report on all batches; ``float()`` of it is the perplexity.

        Raises:
            BadInput: no token counts, and ``empty`` is not ``"nan"``.
        """
        return self._options.report(self._accumulated)

    @property
    def tally(self) -> Tally:
        """The exact sums, as ``nonplus score`` keeps them."""
        return self._accumulated.tally

    def to_json(self) -> str:
        """Options and sums as one line of JSON, exact; see :meth:`from_json`."""
        return json.dumps({"options": asdict(self._options), "sums": self._accumulated.as_json()})

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Inverse of :meth:`to_json`, for example on the machine that merges.

        Raises:
            BadInput: ``line`` was not written by ``to_json``.
        """
        try:
            held = json.loads(line)
            restored = cls(**held["options"])
            restored._accumulated = Accumulator.from_json(held["sums"])
        except (KeyError, TypeError, json.JSONDecodeError):
            raise BadInput(
                f"a metric is read from a line of to_json(), got {reprlib.repr(line)}; pass such a line as it is"
            ) from None
        return restored

    def __repr__(self) -> str:
        if not self._accumulated.tally.tokens:
            return f"Perplexity({self._options.protocol.signature}; nothing counted)"
        return f"Perplexity({self._options.report(self._accumulated)!r})"

    def _add(self, batch: Accumulator) -> None:
        self._accumulated.add(batch)
        self._checked = True
