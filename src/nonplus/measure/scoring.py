"""Documents to scored texts: tokenise ahead, cut, compute in bounded chunks, put
together in order.

Letters in shapes: D documents of a slice, T tokens of all of them, W windows, S scored
tokens, k alternatives.
"""

import warnings
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple, cast, final

import numpy as np

from nonplus.errors import BadModel, BadProtocol, NonplusError, ProtocolWarning
from nonplus.measure.batches import row
from nonplus.measure.forward import Forward, RunOptions, checked_nats
from nonplus.measure.interfaces import HasLogprobs, StatedProtocol, TextScorer, WindowModel
from nonplus.measure.lost_text import losses
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.resolved import ResolvedProtocol, resolve
from nonplus.measure.records import (
    Bools,
    Document,
    Floats,
    Ints,
    Readings,
    ScoredText,
    ScoredTexts,
    Scores,
    TokenizedTexts,
    Tokens,
    Window,
)
from nonplus.measure.tokenizing import checked, encode, named, slices, units

_CHUNK = 32  # batches' worth of rows that are sorted together


@dataclass(slots=True)
class Meter:
    """The progress of a run; another thread may read it, for a progress bar.

    ``tokens`` and ``nats`` are of tokens scored so far, ``documents`` are finished
    ones.
    """

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

    Protocols over a stream join all documents into one first.

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
            f"chosen for it; omit protocol={protocol.name}"
        )
    for caution in stated.cautions:
        warnings.warn(f"protocol {stated.signature.partition('|')[0]}: {caution}", ProtocolWarning, stacklevel=3)
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
    if isinstance(protocol, ResolvedProtocol) and isinstance(model, HasLogprobs):
        return _in_windows(documents, model, protocol, options, meter)
    return _by_scorer(documents, cast(TextScorer, model), options, meter)


def _by_scorer(
    documents: Iterable[Document | str], model: TextScorer, options: RunOptions, meter: Meter
) -> Generator[ScoredTexts, None, None]:
    for name, asked in (("budget", options.budget), ("resume", options.resume)):
        if asked:
            stated = f"{name}={asked}"
            raise BadProtocol(f"{stated} is for window models, and {model.name} scores whole texts; omit {stated}")
    read: list[str] = []
    for unchecked in model.score(_noted(checked(named(documents)), read), alternatives=options.alternatives):
        texts = replace(unchecked, nats=checked_nats(unchecked.nats, len(unchecked.index), model))
        scored = [document.id for document in texts.documents]
        if scored != read[: len(scored)]:
            raise BadModel(
                f"{model.name} was to score {', '.join(read[:3])} next, and gives {', '.join(scored[:3])}; "
                "give each document once, in the order in which they come"
            )
        del read[: len(scored)]
        meter.tokens += len(texts.nats)
        meter.nats += float(texts.nats.sum())
        meter.documents += len(texts)
        yield texts
    if read:
        raise BadModel(f"{model.name} gives nothing for {', '.join(read[:3])}; give each document once, in order")


def _noted(documents: Iterable[Document], read: list[str]) -> Iterator[Document]:
    """The documents, with the id of each added to ``read``."""
    for document in documents:
        read.append(document.id)
        yield document


def _in_windows(
    documents: Iterable[Document | str],
    model: WindowModel,
    protocol: ResolvedProtocol,
    options: RunOptions,
    meter: Meter,
) -> Generator[ScoredTexts, None, None]:
    forward = Forward(model, options, fingerprint=protocol.fingerprint)
    under_way: deque[_Assembly] = deque()
    try:
        for jobs in _chunks(_jobs(_tokenized(documents, model, protocol), protocol, under_way), forward):
            rows = [row(job.tokens, job.window, protocol.prefix) for job in jobs]
            for places, scores in forward.scores(rows):
                _put([jobs[i] for i in places], scores, protocol)
                meter.tokens += len(scores.nats)
                meter.nats += float(scores.nats.sum())
            yield from _finished(under_way, meter)
        yield from _finished(under_way, meter)
    except (KeyboardInterrupt, NonplusError):
        for assembly in under_way:
            yield from assembly.begun()
        raise


@final
class _Assembly:
    """The scores of a slice of documents, put together from their windows."""

    def __init__(self, texts: TokenizedTexts) -> None:
        n = len(texts.ids)
        self.texts = texts
        self.done = 0  # documents that were given away
        self.cut = np.zeros(len(texts), np.bool_)  # documents whose windows are known
        self.waiting = np.zeros(len(texts), np.int64)  # windows that are not scored yet
        self._nats = np.zeros(n)
        self._weight = np.zeros(n)
        self._seen = np.zeros(n, np.int64)
        self._scored = np.zeros(n, np.bool_)
        self._readings: Readings | None = None

    @property
    def finished(self) -> bool:
        """Whether every document was given away."""
        return self.done == len(self.texts)

    def put(self, windows: "_Windows", scores: Scores) -> None:
        """Take in the scores of some windows, one after the other."""
        place_S, seen_S = windows.places()
        self._nats[place_S] = scores.nats
        self._weight[place_S] = np.repeat(windows.weight_W, windows.stop_W - windows.first_W)
        self._seen[place_S] = seen_S
        if scores.readings is not None:
            self._readings = self._readings or _room(scores.readings, len(self._nats))
            _fill(self._readings, place_S, scores.readings)
        self._scored[place_S] = True  # last: an interruption leaves no token half filled in
        np.subtract.at(self.waiting, windows.document_W, 1)

    def next_part(self) -> ScoredTexts | None:
        """The documents that are finished, from the first that was not given yet."""
        open_ = np.flatnonzero(~self._finished[self.done :])
        stop = self.done + int(open_[0]) if len(open_) else len(self.texts)
        return self._part(self.done, stop) if stop > self.done else None

    def begun(self) -> Iterator[ScoredTexts]:
        """The scored part of each document that was not given yet."""
        for place in range(self.done, len(self.texts)):
            part = self._part(place, place + 1)
            if len(part.nats):
                yield part

    @property
    def _finished(self) -> Bools:
        finished: Bools = self.cut & (self.waiting == 0)
        return finished

    def _part(self, start: int, stop: int) -> ScoredTexts:
        first, last = self.texts.offsets[[start, stop]].tolist()
        index = np.flatnonzero(self._scored[first:last])
        return ScoredTexts(
            tokens=self.texts.part(start, stop),
            index=index,
            nats=self._nats[first:last][index],
            weight=self._weight[first:last][index],
            seen=self._seen[first:last][index],
            partial=~self._finished[start:stop],
            readings=None if self._readings is None else self._readings.at(index + first),
        )


class _Job(NamedTuple):
    """A window to score, and where its scores go."""

    assembly: _Assembly
    document: int
    tokens: Tokens
    window: Window


@final
@dataclass(frozen=True, slots=True)
class _Windows:
    """Windows of one slice as columns (W,), in positions of the whole slice."""

    document_W: Ints
    start_W: Ints
    first_W: Ints
    stop_W: Ints
    prefixed_W: Ints
    weight_W: Floats

    def places(self) -> tuple[Ints, Ints]:
        """The place of each scored token, and how many tokens the model saw before it;
        shapes (S,).
        """
        count_W = self.stop_W - self.first_W
        place_S = np.arange(int(count_W.sum())) + np.repeat(self.first_W - np.cumsum(count_W) + count_W, count_W)
        return place_S, place_S - np.repeat(self.start_W - self.prefixed_W, count_W)


def _put(jobs: Sequence[_Job], scores: Scores, protocol: ResolvedProtocol) -> None:
    """Give each slice the scores of its own windows; in a batch those of one slice
    mostly stand together.
    """
    start = 0
    for assembly, own in groupby(jobs, key=lambda job: job.assembly):
        windows = _columns(assembly, list(own), protocol)
        stop = start + int((windows.stop_W - windows.first_W).sum())
        assembly.put(windows, scores.part(start, stop))
        start = stop


def _columns(assembly: _Assembly, jobs: Sequence[_Job], protocol: ResolvedProtocol) -> _Windows:
    document_W = np.array([job.document for job in jobs])
    cut = np.array([(w.start, w.first, w.stop, w.prefixed) for w in (job.window for job in jobs)])
    start_W, first_W, stop_W = cut[:, :3].T + assembly.texts.offsets[document_W]
    weight_W = np.array([protocol.weight(job.window) for job in jobs])
    return _Windows(document_W, start_W, first_W, stop_W, cut[:, 3], weight_W)


def _room(like: Readings, n: int) -> Readings:
    """Readings of ``n`` places that are still to be filled in."""
    return Readings(*(np.zeros((n, *column.shape[1:]), column.dtype) for column in like.columns))


def _fill(readings: Readings, place_S: Ints, others: Readings) -> None:
    for column, values in zip(readings.columns, others.columns, strict=True):
        column[place_S] = values


def _jobs(slices_: Iterable[TokenizedTexts], protocol: ResolvedProtocol, under_way: deque[_Assembly]) -> Iterator[_Job]:
    for texts in slices_:
        assembly = _Assembly(texts)
        under_way.append(assembly)
        for document in range(len(texts)):
            tokens = texts[document]
            windows = protocol.windows(tokens)
            assembly.waiting[document] = len(windows)
            assembly.cut[document] = True
            for window in windows:
                yield _Job(assembly, document, tokens, window)


def _chunks(jobs: Iterable[_Job], forward: Forward) -> Iterator[list[_Job]]:
    """Jobs in lists that hold enough tokens for sorting to pay."""
    chunk: list[_Job] = []
    size = 0
    for job in jobs:
        chunk.append(job)
        size += job.window.stop - job.window.start
        if size >= _CHUNK * forward.budget:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _finished(under_way: deque[_Assembly], meter: Meter) -> Iterator[ScoredTexts]:
    while under_way:
        assembly = under_way[0]
        texts = assembly.next_part()
        if texts is not None:
            stop = assembly.done + len(texts)
            meter.documents += len(texts)
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
