"""Documents to scored texts: tokenise ahead, cut, compute in bounded chunks, put
together in order.

Letters in shapes: D documents of a slice, T tokens of all of them, W windows, S scored
tokens, k alternatives.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

import numpy as np

from nonplus.cautions import warn
from nonplus.errors import BadProtocol, NonplusError, ProtocolWarning
from nonplus.measure.assembly import Assembly
from nonplus.measure.batches import Rows
from nonplus.measure.forward import Forward, RunOptions
from nonplus.measure.halving import HasBudget
from nonplus.measure.interfaces import HasLogprobs, Quantity, StatedProtocol, TextScorer, WindowModel
from nonplus.measure.lost_text import losses
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.resolved import ResolvedProtocol, resolve
from nonplus.measure.records import Document, Ints, TokenizedTexts, Windows
from nonplus.measure.resumed import Resumed
from nonplus.measure.scores import ScoredText, ScoredTexts, Scores
from nonplus.measure.stream import comes_in_parts, parts
from nonplus.measure.text_scorers import texts_of
from nonplus.measure.tokenizing import checked, encode, named, newlines_noted, slices, units

_CHUNK = 32  # batches' worth of rows that are sorted together


@dataclass(slots=True)
class Meter:
    """The progress of a run; another thread may read it, for a progress bar.

    ``tokens`` and ``nats`` are of tokens scored so far, ``documents`` are finished
    ones; ``quantity`` is what the exponential of their mean is.
    """

    quantity: Quantity = "perplexity"
    tokens: int = 0
    nats: float = 0.0
    documents: int = 0


def score(
    documents: Iterable[Document | str],
    *,
    model: WindowModel | TextScorer,
    protocol: Protocol | None = None,
    options: RunOptions | None = None,
) -> Iterator[ScoredText]:
    """Score each document, in order, in memory that does not grow with their number.

    Protocols over a stream join all documents into one, which comes in parts if it is
    long: see :attr:`~nonplus.ScoredText.part`.

    Raises:
        BadInput: a text is empty or holds what no UTF-8 text can.
        BadProtocol: the protocol does not suit the model or a text.
        BadModel: the model cannot score it.
    """
    stated = stated_protocol(protocol, model)
    batches = scored_texts(documents, model=model, protocol=stated, options=options or RunOptions(), meter=Meter())
    return (text for texts in batches for text in texts)


def stated_protocol(protocol: Protocol | None, model: WindowModel | TextScorer) -> StatedProtocol:
    """The protocol with nothing left open; a model that scores whole texts has one of
    its own.

    Warns with ProtocolWarning where a figure under it is known to mislead.

    Raises:
        BadProtocol: the choices contradict each other or the model.
    """
    stated: StatedProtocol
    if isinstance(model, HasLogprobs):
        stated = resolve(protocol or Protocol(), model)
    elif protocol is None:
        stated = model.protocol
    else:
        raise BadProtocol(
            f"{model.name} scores whole texts in its own way ({model.protocol.signature}), so no protocol can be "
            f"chosen for it; omit {protocol.asked_for}"
        )
    for caution in stated.cautions:
        warn(f"protocol {stated.signature.partition('|')[0]}: {caution}", ProtocolWarning)
    return stated


def scored_texts(
    documents: Iterable[Document | str],
    *,
    model: WindowModel | TextScorer,
    protocol: StatedProtocol,
    options: RunOptions,
    meter: Meter,
) -> Generator[ScoredTexts, None, None]:
    """Score documents, in order, many at a time as they are finished.

    Interrupted by Ctrl-C or by an error of ours, what is finished of the documents
    under way is given (``partial``) before that goes on.
    """
    meter.quantity = protocol.quantity
    if isinstance(protocol, ResolvedProtocol) and isinstance(model, HasLogprobs):
        return _in_windows(documents, model, protocol, options, meter)
    return _by_scorer(documents, cast(TextScorer, model), protocol, options, meter)


def _by_scorer(
    documents: Iterable[Document | str],
    model: TextScorer,
    protocol: StatedProtocol,
    options: RunOptions,
    meter: Meter,
) -> Generator[ScoredTexts, None, None]:
    if options.budget:
        if not isinstance(model, HasBudget):
            stated = f"budget={options.budget}"
            raise BadProtocol(
                f"{stated} is for models that read texts in batches, and {model.name} does not; omit {stated}"
            )
        model = model.with_budget(options.budget)
    these = newlines_noted(checked(named(documents)), tokens=model.tokenizer)
    if options.resume is None:
        scored = texts_of(these, model, options.alternatives)
    else:
        resumed = Resumed(model, options.resume, fingerprint=protocol.fingerprint, alternatives=options.alternatives)
        scored = resumed.texts_of(these)
    for texts in scored:
        meter.tokens += len(texts.nats)
        meter.nats += float(texts.nats.sum())
        meter.documents += len(texts)
        yield texts


def _in_windows(
    documents: Iterable[Document | str],
    model: WindowModel,
    protocol: ResolvedProtocol,
    options: RunOptions,
    meter: Meter,
) -> Generator[ScoredTexts, None, None]:
    forward = Forward(model, options, fingerprint=protocol.fingerprint)
    under_way: deque[Assembly] = deque()
    try:
        for shares in _chunks(_assemblies(documents, model, protocol, under_way), forward):
            rows = Rows.of([(share.assembly.texts, share.windows) for share in shares], protocol.prefix)
            for places, scores in forward.scores(rows):
                _put(shares, rows, places, scores)
                meter.tokens += len(scores.nats)
                meter.nats += float(scores.nats.sum())
            yield from _finished(under_way, meter)
        yield from _finished(under_way, meter)
    except (KeyboardInterrupt, NonplusError):
        for assembly in under_way:
            yield from assembly.begun()
        raise


class _Share(NamedTuple):
    """Windows to score, from place ``begin`` on of those where their scores go."""

    assembly: Assembly
    begin: int
    windows: Windows


def _put(shares: Sequence[_Share], rows: Rows, places: Ints, scores: Scores) -> None:
    """Give each slice the scores of its own windows, which may stand anywhere in a
    batch.
    """
    count = rows.scored[places]
    begins = np.cumsum(count) - count
    begin = 0
    for share in shares:
        own = np.flatnonzero((places >= begin) & (places < begin + len(share.windows)))
        if len(own):
            share.assembly.put(places[own] - begin + share.begin, scores, begins[own])
        begin += len(share.windows)


def _assemblies(
    documents: Iterable[Document | str], model: WindowModel, protocol: ResolvedProtocol, under_way: deque[Assembly]
) -> Iterator[Assembly]:
    """Tokens with their windows, each put under way as it is cut."""
    for texts, windows in _cut(documents, model, protocol):
        under_way.append(Assembly(texts, windows, protocol.weights(windows)))
        yield under_way[-1]


def _cut(
    documents: Iterable[Document | str], model: WindowModel, protocol: ResolvedProtocol
) -> Iterator[tuple[TokenizedTexts, Windows]]:
    """Tokens with their windows."""
    if comes_in_parts(protocol.choices):
        return ((texts, Windows.of(windows)) for texts, windows in parts(documents, model, protocol))
    return ((texts, protocol.windows_of(texts)) for texts in _tokenized(documents, model, protocol))


def _chunks(assemblies: Iterable[Assembly], forward: Forward) -> Iterator[list[_Share]]:
    """Windows in lists that hold enough tokens for sorting to pay."""
    chunk: list[_Share] = []
    room = _CHUNK * forward.budget
    for assembly in assemblies:
        windows = assembly.windows
        fed_W = np.cumsum(windows.stop - windows.start)
        begin = done = 0
        while begin < len(windows):
            end = min(int(np.searchsorted(fed_W, done + room)) + 1, len(windows))
            chunk.append(_Share(assembly, begin, windows.at(slice(begin, end))))
            room, begin, done = room - (int(fed_W[end - 1]) - done), end, int(fed_W[end - 1])
            if room <= 0:
                yield chunk
                chunk, room = [], _CHUNK * forward.budget
    if chunk:
        yield chunk


def _finished(under_way: deque[Assembly], meter: Meter) -> Iterator[ScoredTexts]:
    while under_way:
        assembly = under_way[0]
        texts = assembly.next_part()
        if texts is not None:
            stop = assembly.done + len(texts)
            meter.documents += len(texts) if texts.tokens.of.last else 0
            try:
                yield texts
            finally:  # whoever got them may throw KeyboardInterrupt, and they are given once
                assembly.done = stop
        if not assembly.finished:
            return
        under_way.popleft()


def _encoded(documents: Sequence[Document], model: WindowModel, protocol: ResolvedProtocol) -> TokenizedTexts:
    texts = encode(documents, model, choices=protocol.choices, prefix=protocol.prefix)
    return replace(texts, lost=losses([document.text for document in documents], model.tokenizer))


def _tokenized(
    documents: Iterable[Document | str], model: WindowModel, protocol: ResolvedProtocol
) -> Iterator[TokenizedTexts]:
    """Tokens of the documents, encoded in a thread one slice ahead of their use."""
    with ThreadPoolExecutor(1) as thread:
        ahead: deque[Future[TokenizedTexts]] = deque()
        for texts in slices(units(documents, protocol.choices)):
            ahead.append(thread.submit(_encoded, texts, model, protocol))
            if len(ahead) > 1:
                yield ahead.popleft().result()
        for future in ahead:
            yield future.result()
