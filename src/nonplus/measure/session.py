"""From documents and a model to a report."""

import time
from collections.abc import Iterable

from nonplus.errors import BadInput, BadProtocol
from nonplus.measure.forward import RunOptions
from nonplus.measure.interfaces import WindowModel
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.lm_eval_text import lm_eval_counts
from nonplus.measure.protocol.resolved import ResolvedProtocol, resolve
from nonplus.measure.records import Document, ScoredText
from nonplus.measure.report import Report
from nonplus.measure.scoring import score
from nonplus.measure.statistics.by_position import PositionTally
from nonplus.measure.statistics.document_sums import DocumentSums, document_sums
from nonplus.measure.statistics.fixed_point import exp
from nonplus.measure.statistics.intervals import enough_documents, text_interval, token_interval
from nonplus.measure.statistics.tally import Tally


class Measurement:
    """Adds up scored texts and says at any time what they amount to."""

    def __init__(self, model: WindowModel, protocol: Protocol, *, level: float = 0.95) -> None:
        """Start from nothing; ``level`` is that of the intervals."""
        self._model = model
        self._rules: ResolvedProtocol = resolve(protocol, model)
        self._level = level
        self._tally = Tally()
        self._domains: dict[str, Tally] = {}
        self._positions = PositionTally()
        self._begun = time.perf_counter()

    def add(self, scored: ScoredText) -> DocumentSums:
        """Count a scored text in, and give what it alone adds up to."""
        document = scored.document
        whole = self._rules.protocol.denominator == "lm-eval" and not scored.partial
        counted = lm_eval_counts(document.original or document.text) if whole else None
        sums = document_sums(scored, counted=counted)
        tally = Tally.of(sums)
        self._tally += tally
        if document.domain:
            self._domains[document.domain] = self._domains.get(document.domain, Tally()) + tally
        self._positions.add(scored)
        return sums

    def narrow(self, half_width: float) -> bool:
        """Whether the interval, from documents enough to trust it, is within that part of the perplexity either way."""
        if not enough_documents(self._tally):
            return False
        if self._rules.protocol.average == "texts":
            interval = text_interval(self._tally, level=self._level)
            return interval is not None and interval.high - interval.low <= half_width * (interval.high + interval.low)
        interval = token_interval(self._tally, level=self._level)
        return interval is not None and exp((interval.high - interval.low) / 2) - 1 <= half_width

    def report(self, *, interrupted: bool = False) -> Report:
        """What has been measured so far.

        Raises:
            BadInput: there was text, and no token of it could be scored.
        """
        if not self._tally.tokens:
            raise BadInput(
                f"no token could be scored: {self._tally.unscored:,} came, and under {self._rules.protocol.name} none "
                "of them has anything before it to be predicted from; give a longer text, or a larger window where the "
                "protocol names a small one"
            )
        return Report(
            tally=self._tally,
            rules=self._rules,
            model=self._model.name,
            model_identity=self._model.identity,
            tokenizer_identity=self._model.tokenizer.identity,
            seconds=time.perf_counter() - self._begun,
            level=self._level,
            positions=self._positions.rows(),
            domains=tuple(sorted(self._domains.items())),
            interrupted=interrupted,
        )


def check_until(until: float, protocol: Protocol) -> None:
    """Refuse what can never stop a run.

    Raises:
        BadProtocol: ``until`` is no fraction, or the protocol makes one document of everything.
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
    model: WindowModel,
    protocol: Protocol | None = None,
    options: RunOptions | None = None,
    until: float = 0.0,
    level: float = 0.95,
) -> Report:
    """Measure the perplexity of a model on documents.

    With ``until`` above 0, reading stops once the interval's half-width is at most that fraction of the perplexity; the
    documents should then come in random order.

    Raises:
        BadInput: no text came, or one that cannot be measured.
        BadProtocol: the protocol does not suit the model or a text.
        BadModel: the model cannot answer.
    """
    chosen = protocol or Protocol()
    check_until(until, chosen)
    measurement = Measurement(model, chosen, level=level)
    for scored in score(documents, model=model, protocol=chosen, options=options):
        measurement.add(scored)
        if until and measurement.narrow(until):
            break
    return measurement.report()
