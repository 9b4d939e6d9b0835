"""From documents and a model to a report."""

import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from nonplus.cautions import warn
from nonplus.errors import BadInput, BadProtocol, SuspectInput
from nonplus.measure.cautions import text_cautions
from nonplus.measure.forward import RunOptions
from nonplus.measure.interfaces import TextScorer, WindowModel
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.lm_eval_text import lm_eval_counts
from nonplus.measure.records import Document
from nonplus.measure.report import Report
from nonplus.measure.scores import ScoredTexts
from nonplus.measure.scoring import Meter, scored_texts, stated_protocol
from nonplus.measure.statistics.by_position import PositionTally
from nonplus.measure.statistics.document_sums import SummedTexts, document_sums
from nonplus.measure.statistics.fixed_point import exp
from nonplus.measure.statistics.intervals import many_documents, token_interval
from nonplus.measure.statistics.levels import check_level
from nonplus.measure.statistics.parts import continued
from nonplus.measure.statistics.sums import log_perplexity
from nonplus.measure.statistics.tally import Tally

Measured = tuple[ScoredTexts, SummedTexts]


@dataclass(frozen=True, slots=True)
class _Sums:
    """What was measured so far: one value, so that an interruption never splits it."""

    tally: Tally = field(default_factory=Tally)
    closed: Tally = field(default_factory=Tally)  # without a document of which parts are still to come
    open: SummedTexts | None = None
    domains: Mapping[str, Tally] = field(default_factory=dict)
    positions: PositionTally = field(default_factory=PositionTally)
    lost: frozenset[str] = frozenset()

    def plus(self, sums: SummedTexts, texts: ScoredTexts) -> "_Sums":
        domains = {domain: self.domains.get(domain, Tally()) + Tally.of(own) for domain, own in sums.by_domain()}
        positions = self.positions + PositionTally.of(texts)
        lost = self.lost | texts.tokens.lost
        tally, last = self.closed + Tally.of(sums), texts.tokens.of.last
        closed, open_ = (tally, None) if last else (self.closed, sums)
        return _Sums(tally, closed, open_, {**self.domains, **domains}, positions, lost)


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
        check_level(level)
        self.protocol = stated_protocol(protocol, model)
        check_until(until, protocol or Protocol())
        self.enough = False
        self._model = model
        self._level = level
        self._until = until
        self._sums = _Sums()
        self._begun = time.perf_counter()

    def run(
        self, documents: Iterable[Document | str], *, options: RunOptions | None = None, meter: Meter | None = None
    ) -> Generator[Measured, None, None]:
        """Score documents, count them in, and give both, many at a time as they are
        finished.

        It ends early, with ``enough`` true, if the interval is as narrow as was wanted.
        On KeyboardInterrupt, and on an error of ours, it first yields what is finished,
        then raises it again.

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
            stop: KeyboardInterrupt | None = None  # held back until all that is finished was given
            for part in self._parts(texts):
                try:
                    sums = self.add(part)
                except KeyboardInterrupt as fault:
                    stop, sums = fault, self.add(part)
                try:
                    yield part, sums
                except KeyboardInterrupt as fault:
                    stop = fault
                if self._until and self._narrow():
                    self.enough = True
                    return
            texts = scoring.throw(stop) if stop else next(scoring, None)

    def add(self, texts: ScoredTexts) -> SummedTexts:
        """Count scored texts in, and return what each of them adds up to; a document
        that comes in parts, up to this one.

        All of it or, if it is interrupted, nothing.
        """
        begun = self._sums.open
        sums = continued(begun, texts) if begun else document_sums(texts, counted=self._counted(texts))
        self._sums = self._sums.plus(sums, texts)
        return sums

    def held(self) -> dict[str, Any]:
        """What was measured so far, for ``json.dumps``: whole numbers, as
        :meth:`Tally.as_json`.
        """
        sums = self._sums
        return {
            "tally": sums.tally.as_json(),
            "domains": {domain: tally.as_json() for domain, tally in sums.domains.items()},
            "positions": [list(pair) for pair in sums.positions.sums],
            "lost": sorted(sums.lost),
        }

    def hold(self, held: Mapping[str, Any]) -> None:
        """Count in what another measurement held of other documents; in any order, the
        sums are those of all documents to the last bit.
        """
        sums, tally = self._sums, self._sums.tally + Tally.from_json(held["tally"])
        domains = {
            domain: sums.domains.get(domain, Tally()) + Tally.from_json(own) for domain, own in held["domains"].items()
        }
        self._sums = _Sums(
            tally=tally,
            closed=tally,
            domains={**sums.domains, **domains},
            positions=sums.positions + PositionTally(tuple((tokens, nats) for tokens, nats in held["positions"])),
            lost=sums.lost | {*held["lost"]},
        )

    def _counted(self, texts: ScoredTexts) -> Sequence[tuple[int, int] | None]:
        """Words and bytes of each document's original, if the protocol counts those."""
        if self.protocol.denominator != "lm-eval":
            return ()
        return [
            None if partial else lm_eval_counts(document.original or document.text)
            for document, partial in zip(texts.documents, texts.partial.tolist(), strict=True)
        ]

    def _parts(self, texts: ScoredTexts) -> Iterator[ScoredTexts]:
        """All at once, or one by one where each may be the last that is needed."""
        if not self._until:
            yield texts
            return
        for place in range(len(texts)):
            yield texts.part(place, place + 1)

    def _narrow(self) -> bool:
        """Whether the interval, from documents enough to stop at it, is within that
        part of the perplexity either way.
        """
        if not many_documents(self._sums.tally):
            return False
        interval, mean = token_interval(self._sums.tally, level=self._level), log_perplexity(self._sums.tally)
        return interval is not None and mean is not None and exp(interval.high - mean) - 1 <= self._until

    def report(self, *, interrupted: bool = False) -> Report:
        """What has been measured so far.

        Warns with SuspectInput where the text makes the figures misleading.

        Raises:
            BadInput: no token could be scored.
        """
        if not self._sums.tally.tokens:
            raise BadInput(
                f"no token could be scored: of {self._sums.tally.unscored:,} tokens, none has a token before it in its "
                f"window under {self.protocol.signature.partition('|')[0]}; give a longer text, or a larger window=…"
            )
        for caution in text_cautions(self._sums.tally, self._sums.lost, self.protocol):
            warn(caution, SuspectInput)
        return Report(
            tally=self._sums.tally,
            lost=self._sums.lost,
            protocol=self.protocol,
            model=self._model.name,
            model_identity=self._model.identity,
            tokenizer_identity=self._model.tokenizer.identity,
            dtype=self._model.dtype,
            seconds=time.perf_counter() - self._begun,
            level=self._level,
            positions=self._sums.positions.rows(),
            domains=tuple(sorted(self._sums.domains.items())),
            interrupted=interrupted,
        )


def check_until(until: float, protocol: Protocol) -> None:
    """Refuse what can never stop a run.

    Raises:
        BadProtocol: ``until`` is not a fraction, or the protocol joins all documents or
            averages the texts' perplexities.
    """
    if not 0 <= until < 1:
        raise BadProtocol(
            f"until={until} is not between 0 and 1, and it is a part of the perplexity; use until=0.01 for 1 %"
        )
    if until and protocol.unit == "stream":
        raise BadProtocol(
            f"{protocol.name} joins all documents into one, so there is no moment to stop before the end; "
            f"omit until={until}, or use a protocol over documents, as in protocol=full"
        )
    if until and protocol.average == "texts":
        raise BadProtocol(
            f"{protocol.name} averages the perplexities of texts, and that mean has no interval to stop at; "
            f"omit until={until}, or use a protocol that averages over tokens, as in protocol=full"
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
    if options and options.alternatives:
        raise BadProtocol(
            f"a report has no place for alternatives={options.alternatives}, which take time to compute; use "
            "alternatives=0, or call score, whose texts have them"
        )
    measurement = Measurement(model, protocol, level=level, until=until)
    for _ in measurement.run(documents, options=options):
        pass
    return measurement.report()
