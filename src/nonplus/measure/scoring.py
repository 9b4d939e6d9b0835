"""Documents to scored texts: tokenise ahead, cut, compute in bounded chunks, put together in order."""

import warnings
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from nonplus.errors import ProtocolWarning
from nonplus.measure.batches import row
from nonplus.measure.forward import Forward, RunOptions
from nonplus.measure.interfaces import WindowModel
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.resolved import ResolvedProtocol, resolve
from nonplus.measure.records import Document, Floats, ScoredText, Tokens, Window
from nonplus.measure.tokenizing import encode, slices, units

_CHUNK = 32  # batches' worth of rows that are sorted together


@dataclass(slots=True)
class Meter:
    """How far a run is: read it from another thread, for a progress bar.

    ``tokens`` and ``nats`` are of tokens scored so far, ``characters`` of texts finished so far.
    """

    tokens: int = 0
    nats: float = 0.0
    characters: int = 0
    documents: int = 0


def score(
    documents: Iterable[Document | str],
    *,
    model: WindowModel,
    protocol: Protocol | None = None,
    options: RunOptions | None = None,
    meter: Meter | None = None,
) -> Generator[ScoredText, None, None]:
    """Score each document, in order, in memory that does not grow with their number.

    Protocols over a stream join all documents into one first. Interrupted by Ctrl-C, what is finished of the documents
    under way is given (``partial``) before KeyboardInterrupt goes on.

    Raises:
        BadInput: a text is empty or holds what no UTF-8 text can.
        BadProtocol: the protocol does not suit the model or a text.
        BadModel: the model cannot answer.
    """
    rules = resolve(protocol or Protocol(), model)
    for caution in rules.cautions:
        warnings.warn(f"protocol {rules.protocol.name}: {caution}", ProtocolWarning, stacklevel=2)
    return _scored(documents, model=model, rules=rules, options=options or RunOptions(), meter=meter or Meter())


def _scored(
    documents: Iterable[Document | str],
    *,
    model: WindowModel,
    rules: ResolvedProtocol,
    options: RunOptions,
    meter: Meter,
) -> Generator[ScoredText, None, None]:
    passes = Forward(model, options, fingerprint=rules.fingerprint)
    under_way: deque[_Assembly] = deque()
    try:
        for jobs in _chunks(_jobs(_tokenised(documents, model, rules), rules, under_way), passes):
            rows = [row(assembly.tokens, window, rules.prefix) for assembly, window in jobs]
            for i, answer in passes.answers(rows):
                jobs[i][0].put(jobs[i][1], answer, rules.weight(jobs[i][1]))
                meter.tokens += len(answer)
                meter.nats += float(answer[:, 0].sum())
            yield from _finished(under_way, meter)
        yield from _finished(under_way, meter)
    except KeyboardInterrupt:
        yield from (assembly.scored(partial=not assembly.finished) for assembly in under_way if assembly.begun)
        raise


class _Assembly:
    """One document's answers, put together from its windows."""

    def __init__(self, tokens: Tokens, windows: int) -> None:
        n = len(tokens.ids)
        self.tokens = tokens
        self._waiting = windows
        self._weight = np.zeros(n)
        self._scored = np.zeros(n, np.bool_)
        self._seen = np.zeros(n, np.int64)
        self._columns: Floats = np.empty((n, 0))

    @property
    def begun(self) -> bool:
        return bool(self._scored.any())

    @property
    def finished(self) -> bool:
        return not self._waiting

    def put(self, window: Window, answer: Floats, weight: float) -> None:
        if not self._columns.shape[1]:
            self._columns = np.empty((len(self.tokens.ids), answer.shape[1]))
        scored = slice(window.first, window.stop)
        self._scored[scored] = True
        self._columns[scored] = answer
        self._weight[scored] = weight
        self._seen[scored] = np.arange(window.first, window.stop) - window.start + window.prefixed
        self._waiting -= 1

    def scored(self, *, partial: bool = False) -> ScoredText:
        index = np.flatnonzero(self._scored)
        columns = self._columns[index]
        plain = ScoredText(
            tokens=self.tokens,
            index=index,
            nats=columns[:, 0] if len(index) else np.empty(0),
            weight=self._weight[index],
            seen=self._seen[index],
            unscored=len(self.tokens.ids) - self.tokens.first - len(index),
            partial=partial,
        )
        return plain if columns.shape[1] < 2 else _with_readings(plain, columns)


def _with_readings(plain: ScoredText, columns: Floats) -> ScoredText:
    k = (columns.shape[1] - 3) // 2
    return replace(
        plain,
        entropy=columns[:, 1],
        rank=columns[:, 2].astype(np.int64),
        top_ids=columns[:, 3 : 3 + k].astype(np.int64),
        top_nats=columns[:, 3 + k :],
    )


_Job = tuple[_Assembly, Window]


def _jobs(texts: Iterable[Tokens], rules: ResolvedProtocol, under_way: deque[_Assembly]) -> Iterator[_Job]:
    for tokens in texts:
        windows = rules.windows(tokens)
        assembly = _Assembly(tokens, len(windows))
        under_way.append(assembly)
        for window in windows:
            yield assembly, window


def _chunks(jobs: Iterable[_Job], passes: Forward) -> Iterator[list[_Job]]:
    """Jobs in lists that hold enough tokens for sorting to pay."""
    chunk: list[_Job] = []
    size = 0
    for assembly, window in jobs:
        chunk.append((assembly, window))
        size += window.stop - window.start
        if size >= _CHUNK * passes.budget:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _finished(under_way: deque[_Assembly], meter: Meter) -> Iterator[ScoredText]:
    while under_way and under_way[0].finished:
        scored = under_way.popleft().scored()
        meter.documents += 1
        meter.characters += len(scored.document.text)
        yield scored


def _tokenised(documents: Iterable[Document | str], model: WindowModel, rules: ResolvedProtocol) -> Iterator[Tokens]:
    """Tokens of each document, encoded in another thread one step ahead of their use."""
    with ThreadPoolExecutor(1) as thread:
        ahead: deque[Future[list[Tokens]]] = deque()
        for texts in slices(units(documents, rules.protocol)):
            ahead.append(thread.submit(encode, texts, model, specials=rules.protocol.specials))
            if len(ahead) > 1:
                yield from ahead.popleft().result()
        for future in ahead:
            yield from future.result()
