"""From documents and a model to a report."""

import time
from collections.abc import Iterable

from nonplus.errors import BadInput
from nonplus.interfaces import Model
from nonplus.measure.passes import Effort
from nonplus.measure.scoring import Meter, score
from nonplus.protocol import Protocol, Rules, lm_eval_counts, resolve
from nonplus.records import Document, ScoredText
from nonplus.report import Report
from nonplus.stats import token_interval
from nonplus.tally import DocumentSums, PositionTally, Tally, document_sums, exp

__all__ = ["Effort", "Measurement", "Meter", "evaluate", "score"]

_FEWEST_TO_STOP = 20  # documents; an early interval over fewer is too uncertain to end a run on


class Measurement:
    """Adds up scored texts and says at any time what they amount to."""

    def __init__(self, model: Model, protocol: Protocol, *, level: float = 0.95) -> None:
        """Start from nothing; ``level`` is that of the intervals."""
        self._model = model
        self._rules: Rules = resolve(protocol, model)
        self._level = level
        self._tally = Tally()
        self._domains: dict[str, Tally] = {}
        self._positions = PositionTally()
        self._begun = time.perf_counter()

    def add(self, scored: ScoredText) -> DocumentSums:
        """Count a scored text in, and give what it alone adds up to."""
        document = scored.document
        by_lm_eval = self._rules.protocol.denominator == "lm-eval"
        counted = lm_eval_counts(document.original or document.text) if by_lm_eval else (0, 0)
        sums = document_sums(scored, counted=counted)
        tally = Tally.of(sums)
        self._tally += tally
        if document.domain:
            self._domains[document.domain] = self._domains.get(document.domain, Tally()) + tally
        self._positions.add(scored)
        return sums

    def narrow(self, half_width: float) -> bool:
        """Whether the interval is at most ``half_width`` of the perplexity on either side."""
        if self._tally.documents < _FEWEST_TO_STOP:
            return False
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
                "of them has anything before it to be predicted from; give a longer text"
            )
        return Report(
            tally=self._tally,
            rules=self._rules,
            model=self._model.name,
            model_identity=self._model.identity,
            seconds=time.perf_counter() - self._begun,
            level=self._level,
            positions=self._positions.rows(),
            domains=tuple(sorted(self._domains.items())),
            interrupted=interrupted,
        )


def evaluate(
    documents: Iterable[Document | str],
    *,
    model: Model,
    protocol: Protocol | None = None,
    effort: Effort | None = None,
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
    measurement = Measurement(model, chosen, level=level)
    for scored in score(documents, model=model, protocol=chosen, effort=effort):
        measurement.add(scored)
        if until and measurement.narrow(until):
            break
    return measurement.report()
