"""The progress of a run on stderr: in a terminal one line that is redrawn, and removed
at the end; elsewhere a line a minute.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Protocol, final

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from nonplus.cli.terminal.printing import one_line, say
from nonplus.corpora.suffixes import ARCHIVES, COMPRESSIONS
from nonplus.filtering.calibration.meter import CalibrationMeter
from nonplus.filtering.runs.meter import FilterMeter
from nonplus.measure.formatting import counted, figure
from nonplus.measure.interfaces import HasEncode, KnownTokens
from nonplus.measure.records import Document
from nonplus.measure.scoring import Meter
from nonplus.measure.statistics.fixed_point import exp
from nonplus.models.ngram.training.meter import TrainingMeter

MINUTE = 60.0  # seconds between two lines where nothing can be redrawn
_SPINNER, _SHORTEST_BAR, _LONGEST_BAR = 2, 8, 24  # columns
# What a narrow line leaves out first.
_DISPENSABLE = ("speed", "size", "documents", "kept", "left", "perplexity", "tokens", "records", "scored")
_SAMPLE = 4096  # characters from which the total number of tokens is estimated
_NOT_PLAIN = (*COMPRESSIONS, *ARCHIVES, ".parquet", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".arrow")


@final
class Gauge:
    """How much of a run is done, and how much is left where that can be estimated."""

    def __init__(self, meter: Meter, *, size: int) -> None:
        """``size`` is the bytes of text in all sources, 0 if unknown."""
        self._meter = meter
        self._size = size
        self._expected = 0.0
        self._begun = time.perf_counter()

    def watched(self, documents: Iterable[Document], tokens: KnownTokens) -> Iterator[Document]:
        """The documents; from the first one the tokens per byte are estimated, where it
        can be encoded.
        """
        for document in documents:
            if self._size and not self._expected and document.text and isinstance(tokens, HasEncode):
                sample = document.text[:_SAMPLE]
                (encoding,) = tokens.encode([sample], specials=False)
                self._expected = self._size * len(encoding.ids) / len(sample.encode(errors="replace"))
            yield document

    @property
    def share(self) -> float:
        """How much of it is done; 0 if that is not known."""
        return min(1.0, self._meter.tokens / self._expected) if self._expected else 0.0

    def figures(self) -> dict[str, str]:
        """What is known now."""
        meter, seconds = self._meter, time.perf_counter() - self._begun
        tokens, nats = meter.tokens, meter.nats
        found = {"documents": counted(meter.documents, "document")} if meter.documents else {}
        found["tokens"] = counted(tokens, "token")
        if tokens:
            found["speed"] = f"{tokens / seconds:,.0f} tokens/s"
            found["perplexity"] = f"{meter.quantity} {figure(exp(nats / tokens))}"
        return found | _left(self.share, seconds)


@final
class TrainingGauge:
    """What a training is doing, and how much of that is done."""

    def __init__(self, meter: TrainingMeter) -> None:
        self._meter = meter

    @property
    def share(self) -> float:
        """How much of what it does now is done; 0 if that is not known."""
        return self._meter.done / self._meter.pieces if self._meter.pieces else 0.0

    def figures(self) -> dict[str, str]:
        """What is known now."""
        meter = self._meter
        found = {"stage": meter.stage}
        if meter.pieces:
            found["pieces"] = f"{min(meter.done + 1, meter.pieces)} of {meter.pieces}"
        elif meter.documents:
            found["documents"] = counted(meter.documents, "document")
        return found


@final
class FilterGauge:
    """What a filter is doing, how fast, and what share of the records it keeps."""

    def __init__(self, meter: FilterMeter) -> None:
        self._meter = meter

    @property
    def share(self) -> float:
        """How much of what it does now is done; 0 if that is not known."""
        expected = self._meter.expected
        return min(1.0, self._meter.units / expected) if expected else 0.0

    def figures(self) -> dict[str, str]:
        """What is known now."""
        meter, accounts = self._meter, self._meter.accounts
        size, seconds = accounts.bytes / 1e6, time.perf_counter() - meter.begun
        found = {"stage": meter.stage or "opening", "records": counted(accounts.records, "record")}
        if size:
            found |= {"size": f"{size:,.0f} MB", "speed": f"{size / seconds:,.1f} MB/s"}
        if accounts.kept.records:
            found["kept"] = f"{accounts.kept.records / accounts.records:.1%} kept"
        return found | _left(self.share, seconds)


@final
class CalibrationGauge:
    """How much of a corpus is read, and how many documents of it are scored."""

    def __init__(self, meter: CalibrationMeter) -> None:
        self._meter = meter

    @property
    def share(self) -> float:
        """Nobody knows how much is still to be read."""
        return 0.0

    def figures(self) -> dict[str, str]:
        """What is known now."""
        found = {"documents": f"{counted(self._meter.read, 'document')} read"}
        return found | ({"scored": f"{self._meter.scored:,} scored"} if self._meter.scored else {})


class _Drawable(Protocol):
    """What has figures for how far it is, and the share that is done, 0 if that is not
    known.
    """

    @property
    def share(self) -> float: ...

    def figures(self) -> dict[str, str]: ...


def line(gauge: _Drawable, spinner: Spinner, width: int) -> Table:
    """The line as it is now, with as much as fits into ``width`` columns."""
    row, text, share = Table.grid(padding=(0, 1)), _fitting(gauge.figures(), width), gauge.share
    room = min(width - _SPINNER - text.cell_len - 1, _LONGEST_BAR)
    bar = [ProgressBar(total=1, completed=share, width=room)] if share and room >= _SHORTEST_BAR else []
    row.add_row(spinner, *bar, text)
    return row


def _fitting(figures: dict[str, str], width: int) -> Text:
    """As many of the figures as fit into a line of ``width`` columns, each whole."""
    shown = dict(figures)
    while len("  ".join(shown.values())) > width - _SPINNER and len(shown) > 1:
        del shown[next(name for name in _DISPENSABLE if name in shown)]
    return Text("  ".join(shown.values()), no_wrap=True, overflow="crop")


@contextmanager
def shown(gauge: _Drawable, *, every: float = MINUTE) -> Iterator[None]:
    """Show the gauge while the block runs: redrawn if stderr is a terminal, else as a
    line every so many seconds, for the log of a cluster.
    """
    console, spinner = Console(stderr=True), Spinner("dots", style="cyan")
    if not console.is_terminal or console.is_dumb_terminal:
        with _told(gauge, every):
            yield
        return
    with _drawn(lambda: line(gauge, spinner, console.width), console):
        yield


@contextmanager
def _told(gauge: _Drawable, every: float) -> Iterator[None]:
    ended = Event()

    def tell() -> None:
        while not ended.wait(every):
            say("  ".join(gauge.figures().values()), err=True)

    teller = Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


@contextmanager
def waiting(for_what: str) -> Iterator[None]:
    """Show a spinner with a word about it while the block runs, in a terminal."""
    console, spinner = Console(stderr=True), Spinner("dots", Text(one_line(for_what), "dim"), style="cyan")
    if not console.is_terminal or console.is_dumb_terminal:
        yield
        return
    with _drawn(lambda: spinner, console):
        yield


def _drawn(line: Callable[[], RenderableType], console: Console) -> Live:
    return Live(get_renderable=line, console=console, transient=True, refresh_per_second=8)


def size_of(sources: Iterable[str]) -> int:
    """Bytes of text in the sources, if all are plain files; 0 if unknown."""
    sizes = [os.path.getsize(s) if os.path.isfile(s) and not s.lower().endswith(_NOT_PLAIN) else 0 for s in sources]
    return sum(sizes) if all(sizes) else 0


def _left(share: float, seconds: float) -> dict[str, str]:
    """How long it will still take if so much of it took so many seconds."""
    return {"left": f"{_clock(seconds * (1 - share) / share)} left"} if 0 < share < 1 else {}


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
