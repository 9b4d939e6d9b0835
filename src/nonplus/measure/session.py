"""From documents and a model to a report."""

import time
from collections.abc import Generator, Iterable, Iterator
from typing import final

from nonplus.errors import BadInput, BadProtocol
from nonplus.measure.forward import RunOptions
from nonplus.measure.interfaces import TextScorer, WindowModel
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.lm_eval_text import lm_eval_counts
from nonplus.measure.records import Document, ScoredTexts
from nonplus.measure.report import Report
from nonplus.measure.scoring import Meter, scored_texts, stated_protocol
from nonplus.measure.statistics.by_position import PositionTally
from nonplus.measure.statistics.document_sums import SummedTexts, document_sums
from nonplus.measure.statistics.fixed_point import exp
from nonplus.measure.statistics.intervals import enough_documents, text_interval, token_interval
from nonplus.measure.statistics.tally import Tally

Measured = tuple[ScoredTexts, SummedTexts]


@final
class Measurement:
    """A model under a protocol, and the sums of the documents measured so far."""

    def __init__(
        self,
        model: WindowModel | TextScorer,
        protocol: Protocol | None = None,
        *,
        level: float = 0.95,
        until: float = 0.0,
    ) -> None:
        """Start from nothing; ``level`` is that of the intervals.

        With ``until`` above 0, reading stops once the interval's half-width is at most
        that fraction of the perplexity.

        Raises:
            BadProtocol: the protocol does not suit the model, or ``until`` can never
                stop a run.
        """
        self.protocol = stated_protocol(protocol, model)
        check_until(until, protocol or Protocol())
        self.enough = False
        self._model = model
        self._level = level
        self._until = until
        self._tally = Tally()
        self._domains: dict[str, Tally] = {}
        self._positions = PositionTally()
        self._begun = time.perf_counter()

    def run(
        self, documents: Iterable[Document | str], *, options: RunOptions | None = None, meter: Meter | None = None
    ) -> Generator[Measured, None, None]:
        """Score documents, count them in, and give both, many at a time as they are
        finished.

        It ends early, with ``enough`` true, where the interval is as narrow as was
        asked for. KeyboardInterrupt, thrown in or raised inside, goes on once what is
        finished of the documents under way was given.

        Raises:
            BadInput: no text came, or one that cannot be measured.
            BadProtocol: the protocol does not suit a text.
            BadModel: the model cannot score it.
        """
        scoring = scored_texts(
            documents,
            model=self._model,
            protocol=self.protocol,
            options=options or RunOptions(),
            meter=meter or Meter(),
        )
        texts = next(scoring, None)
        while texts is not None:
            stop: KeyboardInterrupt | None = None
            for part in self._parts(texts):
                try:
                    yield part, self.add(part)
                except KeyboardInterrupt as fault:  # held back until all that is finished was given
                    stop = fault
                if self._until and self._narrow():
                    self.enough = True
                    return
            texts = scoring.throw(stop) if stop else next(scoring, None)

    def add(self, texts: ScoredTexts) -> SummedTexts:
        """Count scored texts in, and give what each of them adds up to."""
        counted = None
        if self.protocol.denominator == "lm-eval" and not texts.partial.any():
            counted = [lm_eval_counts(document.original or document.text) for document in texts.documents]
        sums = document_sums(texts, counted=counted)
        self._tally += Tally.of(sums)
        for domain, own in sums.by_domain():
            self._domains[domain] = self._domains.get(domain, Tally()) + Tally.of(own)
        self._positions.add(texts)
        return sums

    def _parts(self, texts: ScoredTexts) -> Iterator[ScoredTexts]:
        """All at once, or one by one where each may be the last that is needed."""
        if not self._until:
            yield texts
            return
        for place in range(len(texts)):
            yield texts.part(place, place + 1)

    def _narrow(self) -> bool:
        """Whether the interval, from documents enough to trust it, is within that part
        of the perplexity either way.
        """
        if not enough_documents(self._tally):
            return False
        if self.protocol.average == "texts":
            interval = text_interval(self._tally, level=self._level)
            return interval is not None and interval.high - interval.low <= self._until * (interval.high + interval.low)
        interval = token_interval(self._tally, level=self._level)
        return interval is not None and exp((interval.high - interval.low) / 2) - 1 <= self._until

    def report(self, *, interrupted: bool = False) -> Report:
        """What has been measured so far.

        Raises:
            BadInput: no token could be scored.
        """
        if not self._tally.tokens:
            raise BadInput(
                f"no token could be scored: under {self.protocol.signature.partition('|')[0]}, none of the "
                f"{self._tally.unscored:,} tokens has anything before it to be predicted from; give a longer text, or "
                "a larger window where the protocol names a small one"
            )
        return Report(
            tally=self._tally,
            protocol=self.protocol,
            model=self._model.name,
            model_identity=self._model.identity,
            tokenizer_identity=self._model.tokenizer.identity,
            dtype=self._model.dtype,
            seconds=time.perf_counter() - self._begun,
            level=self._level,
            positions=self._positions.rows(),
            domains=tuple(sorted(self._domains.items())),
            interrupted=interrupted,
        )


def check_until(until: float, protocol: Protocol) -> None:
    """Refuse what can never stop a run.

    Raises:
        BadProtocol: ``until`` is not a fraction, or the protocol joins all documents.
    """
    if not 0 <= until < 1:
        raise BadProtocol(f"until is a fraction of the perplexity between 0 and 1, got {until}; use 0.01 for 1 %")
    if until and protocol.unit == "stream":
        raise BadProtocol(
            f"{protocol.name} joins all documents into one, so there is no moment to stop before the end; "
            "leave until out, or use a protocol over documents, such as full"
        )


def evaluate(
    documents: Iterable[Document | str],
    *,
    model: WindowModel | TextScorer,
    protocol: Protocol | None = None,
    options: RunOptions | None = None,
    until: float = 0.0,
    level: float = 0.95,
) -> Report:
    """Measure the perplexity of a model on documents.

    With ``until`` above 0, reading stops once the interval's half-width is at most that
    fraction of the perplexity; the documents should then come in random order.

    Raises:
        BadInput: no text came, or one that cannot be measured.
        BadProtocol: the protocol does not suit the model or a text.
        BadModel: the model cannot score a text.
    """
    measurement = Measurement(model, protocol, level=level, until=until)
    for _ in measurement.run(documents, options=options):
        pass
    return measurement.report()
