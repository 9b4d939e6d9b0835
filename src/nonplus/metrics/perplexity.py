"""Perplexity for a loop of your own, over arrays of any kind."""

import json
from dataclasses import asdict
from typing import Any, Self, final

from nonplus.errors import BadInput
from nonplus.kernels.token_nll import Kind
from nonplus.measure.report import Report
from nonplus.measure.statistics.tally import Tally
from nonplus.metrics.accumulator import Accumulator
from nonplus.metrics.batch_update import Extras, head_batch, nats_batch, scores_batch
from nonplus.metrics.options import Check, Empty, MetricOptions, OnNonfinite


@final
class Perplexity:
    """Sums over batches, exact in any order and split, and the figures that they come to.

    ``kind`` says what ``update`` is given for each word of the vocabulary: ``logits``, ``logprobs`` (natural) or
    ``probs``; or ``nll``, the targets' surprisals in nats. With ``shift``, scores at ``t`` predict the target at
    ``t + 1``, as models give them. Targets equal to (one of) ``ignore_index`` do not count.

    ``check`` says on which batches a look is taken for input that was probably not meant: ``first``, ``always`` or
    ``never``; what it finds is a :class:`~nonplus.errors.SuspectInput` warning. A row that leaves no distribution
    is refused, or with ``on_nonfinite="exclude"`` left out and counted. Where nothing counts, :meth:`compute` raises,
    or with ``empty="nan"`` gives figures that are not a number. ``level`` is that of the interval.
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
        self._looked = False

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
        """Count a batch: scores (..., T, V) of the kind chosen, and the ``targets`` (..., T) that they predict.

        Places where ``mask`` (..., T) is zero do not count. ``weights``, ``n_bytes`` and ``n_words`` are for each token
        or each row. Weights are zero or between 2**-20 and 2**40. Bytes and words of a token that is not scored do not
        count; those of a row have to be those of its scored tokens alone, so without what is masked or ignored and,
        with ``shift``, without its first token.

        ``doc_ids``, whole numbers or strings, name the document of each row, or of each token where rows are packed,
        and may go on in later batches; without them each row is a document. With ``shift``, the first token of a
        document in a packed row has nothing of its own before it, and is not scored; where the model is to be asked for
        it, give the separator before it the same name.

        Raises:
            BadInput: shapes or targets that do not fit, with the place.
            BadProbability: a row that leaves no distribution, with its place.
        """
        extras = Extras(mask=mask, weights=weights, n_bytes=n_bytes, n_words=n_words, doc_ids=doc_ids)
        look = self._options.looks(self._looked)
        self._add(scores_batch(self._options, x, targets, extras, look=look))

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
        """Count surprisals in nats (..., T), each in the place of the token that it is of; ``shift`` moves none.

        ``nats`` may be what :func:`nonplus.metrics.token_nll` gave, which says itself what counts. Else, where the
        metric shifts, there has to be a ``mask``, and where it ignores, a mask or ``targets``, which are needed for
        nothing else. All else is as in :meth:`update`.
        """
        extras = Extras(mask=mask, weights=weights, n_bytes=n_bytes, n_words=n_words, doc_ids=doc_ids)
        look = self._options.looks(self._looked)
        self._add(nats_batch(self._options, nats, targets, extras, look=look))

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
        """Count a batch of hidden states (..., T, H) under a head's ``weight`` (V, H), without ever forming the logits.

        ``bias``, ``scale`` and ``softcap`` are those of :func:`nonplus.metrics.head_nll`; the rest is as in
        :meth:`update`.
        """
        extras = Extras(mask=mask, weights=weights, n_bytes=n_bytes, n_words=n_words, doc_ids=doc_ids)
        look, head = self._options.looks(self._looked), (self._options, hidden, weight, targets, extras)
        self._add(head_batch(*head, bias=bias, scale=scale, softcap=softcap, look=look))

    def merge(self, *others: Self) -> None:
        """Take in what others have counted; they stay as they are.

        Others may be of another ``kind``, or leave out what this one refuses: the conditions then say both.

        Raises:
            BadProtocol: another counts other tokens, because its ``shift`` or ``ignore_index`` is another.
        """
        for other in others:
            self._accumulated.add(other._accumulated)

    def reset(self) -> None:
        """Begin again from nothing."""
        self._accumulated = Accumulator(protocol=self._options.protocol)

    def compute(self) -> Report:
        """The figures of all that was counted: ``float()`` of them is the perplexity.

        Raises:
            BadInput: nothing counts, and ``empty`` is not ``"nan"``.
        """
        return self._options.report(self._accumulated)

    @property
    def tally(self) -> Tally:
        """The exact sums, as ``nonplus score`` keeps them."""
        return self._accumulated.tally

    def to_json(self) -> str:
        """Choices and sums as one line of JSON; :meth:`from_json` reads it back to the last bit."""
        return json.dumps({"options": asdict(self._options), "sums": self._accumulated.as_json()})

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Inverse of :meth:`to_json`, for example on the machine that merges.

        Raises:
            BadInput: a text that no ``to_json`` wrote.
        """
        try:
            held = json.loads(line)
            restored = cls(**held["options"])
            restored._accumulated = Accumulator.of_json(held["sums"])
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise BadInput(f"a metric is read from what its to_json() wrote, got {line[:60]!r} ({error!r})") from None
        return restored

    def __repr__(self) -> str:
        if not self._accumulated.tally.tokens:
            return f"Perplexity({self._options.protocol.signature}; nothing counted)"
        return f"Perplexity({self._options.report(self._accumulated)!r})"

    def _add(self, batch: Accumulator) -> None:
        self._accumulated.add(batch)
        self._looked = True
