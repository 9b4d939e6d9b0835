"""The front door: measuring, with names accepted for models, protocols and corpora."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from nonplus.corpora import open_corpora
from nonplus.measure import scoring, session
from nonplus.measure.forward import RunOptions
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.records import Document, ScoredText
from nonplus.measure.report import Report
from nonplus.measure.statistics.levels import check_level
from nonplus.models import DEFAULT, open_model

Texts = str | Path | Document | Iterable[str | Document]


def score(
    documents: Texts,
    *,
    model: object = DEFAULT,
    protocol: str | Protocol | None = None,
    options: RunOptions | None = None,
) -> Iterator[ScoredText]:
    """Score documents one by one: every token's surprisal in nats.

    ``documents`` is a text, a path (:class:`pathlib.Path`), or any iterable of texts
    and documents. ``model`` is a name (``"hf:gpt2"``), a pair of a transformers model
    and its tokenizer, or a model in the sense of :mod:`nonplus.measure.interfaces`.
    ``protocol`` is a name or a record; by default ``full``, or the own way of a model
    that scores whole texts.

    Raises:
        NonplusError: see :mod:`nonplus.errors`.
    """
    chosen = _protocol(protocol)
    return scoring.score(_documents(documents, chosen), model=open_model(model), protocol=chosen, options=options)


def evaluate(
    documents: Texts,
    *,
    model: object = DEFAULT,
    protocol: str | Protocol | None = None,
    options: RunOptions | None = None,
    until: float = 0.0,
    level: float = 0.95,
) -> Report:
    """Measure the perplexity of a model on documents; arguments as in :func:`score`.

    With ``until`` above 0, reading stops once the interval's half-width is at most that
    fraction of the perplexity.

    Raises:
        NonplusError: see :mod:`nonplus.errors`.
    """
    check_level(level)  # before a model is opened, which takes time
    chosen = _protocol(protocol)
    session.check_until(until, chosen or Protocol())
    return session.evaluate(
        _documents(documents, chosen),
        model=open_model(model),
        protocol=chosen,
        options=options,
        until=until,
        level=level,
    )


def _documents(documents: Texts, protocol: Protocol | None) -> Iterable[str | Document]:
    if isinstance(documents, Path):
        return open_corpora([documents], keep_blank=protocol is not None and protocol.unit == "stream")
    return [documents] if isinstance(documents, str | Document) else documents


def _protocol(protocol: str | Protocol | None) -> Protocol | None:
    return Protocol.named(protocol) if isinstance(protocol, str) else protocol
